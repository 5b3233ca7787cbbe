/**
 * The run scripts of a home folder: those of acceptutils' page "How to switch", with only address, port and the
 * certificate's path changed; and for clients that want TLS from the first byte, their two siblings.
 */

/** Where a service listens. */
export interface Listener {
  /** An address or, for all of them, `0`. */
  readonly host: string;
  readonly port: number;
}

export interface Place extends Listener {
  /** As it stands in the script: sh words may be in it. */
  readonly certificate: string;
}

/** A service that clients connect to. */
export interface Listening {
  /** TLS by STARTTLS or STLS within the session, or from the first byte. */
  readonly tls: "starttls" | "implicit";
  /** The port is this much above the base: 2000 gives 2525, 2587, 2465, 2110, 2995. */
  readonly portOffset: number;
  script(place: Place): string;
}

/** By name of their folder under service/. */
export const listening: ReadonlyMap<string, Listening> = new Map([
  ["smtp", { tls: "starttls", portOffset: 525, script: smtp }],
  ["submission", { tls: "starttls", portOffset: 587, script: submission }],
  ["submissions", { tls: "implicit", portOffset: 465, script: submissions }],
  ["pop3", { tls: "starttls", portOffset: 110, script: pop3 }],
  ["pop3s", { tls: "implicit", portOffset: 995, script: pop3s }],
]);

export const defaultPortBase = 2000;

/** The certificate of the home folder that the script is run for. */
export const homeCertificate = '"$ACCEPTUTILS_HOME"/control/servercert.pem';

function smtp({ host, port, certificate }: Place): string {
  return `#!/bin/sh
exec 2>&1
exec env \\
UCSPITLS='' \\
${tlsProcess(certificate)}
sslserver -ne -vRl0 \\
-u $(id -u qmaild) -g $(id -g qmaild) \\
${host} ${port} \\
rblsmtpd -r zen.spamhaus.org \\
fixsmtpio \\
qmail-smtpd
`;
}

function submission({ host, port, certificate }: Place): string {
  return `#!/bin/sh
exec 2>&1
exec env \\
RELAYCLIENT='' \\
UCSPITLS='!' \\
${tlsProcess(certificate)}
sslserver -ne -vRl0 \\
${host} ${port} \\
${submissionChain}`;
}

function submissions({ host, port, certificate }: Place): string {
  return `#!/bin/sh
exec 2>&1
exec env \\
RELAYCLIENT='' \\
${tlsProcess(certificate)}
sslserver -se -vRl0 \\
${host} ${port} \\
${submissionChain}`;
}

function pop3({ host, port, certificate }: Place): string {
  return `#!/bin/sh
exec 2>&1
exec env \\
UCSPITLS='!' \\
${tlsProcess(certificate)}
sslserver -ne -vRl0 \\
${host} ${port} \\
${pop3Chain}`;
}

function pop3s({ host, port, certificate }: Place): string {
  return `#!/bin/sh
exec 2>&1
exec env \\
${tlsProcess(certificate)}
sslserver -se -vRl0 \\
${host} ${port} \\
${pop3Chain}`;
}

/** The queue listens to nobody but its own socket. */
export const queueScript = `#!/bin/sh
exec 2>&1
exec qmail-send
`;

function tlsProcess(certificate: string): string {
  return `SSL_UID=$(id -u ucspissl) \\
SSL_GID=$(id -g ucspissl) \\
CERTFILE=${certificate} \\`;
}

const submissionChain = `authup smtp \\
checkpassword \\
checknotroot \\
fixsmtpio \\
ofmipd
`;

const pop3Chain = `authup pop3 \\
checkpassword \\
checknotroot \\
qmail-pop3d Maildir
`;

/** Where a script listens, if it is one of ours, whatever else was changed in it; undefined when one cannot tell. */
export function listenerIn(script: string): Listener | undefined {
  const [, host, port] = /^([0-9A-Za-z.:-]+) ([0-9]{1,5}) \\$/m.exec(script) ?? [];
  if (host === undefined || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}
