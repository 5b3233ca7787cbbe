import { host, type Place, type Running, sessionsAtOnce, usual } from "../contender/contender.ts";
import { packaged, withPackages, write } from "../contender/debian.ts";
import { serve } from "../contender/serve.ts";
import { startSink } from "./bare-c.ts";
import { startPop3 } from "./dovecot.ts";

/** nginx's mail proxy: SMTP goes on to a sink that is not measured, POP3 to a Dovecot that is. */
export const nginx = packaged({
  name: "nginx",
  kind: "proxy",
  promise: "a proxy: a sink behind it that keeps nothing; POP3 with Dovecot behind it",
  packages: ["nginx", "dovecot"],
  start,
});

async function start(
  place: Place,
  [smtp = 0, submission = 0, pop3 = 0, behind = 0, answers = 0]: readonly number[],
): Promise<Running> {
  const sink = await startSink(place, place.helpers, "-");
  await startPop3(place, behind);
  const answer = (path: string, port: number) =>
    `location ${path} { add_header Auth-Status OK; add_header Auth-Server 127.0.0.1; add_header Auth-Port ${port}; return 200; }`;
  write(
    place.folder,
    "etc/bench-nginx.conf",
    `load_module /usr/lib/nginx/modules/ngx_mail_module.so;
daemon off;
worker_processes 1;
error_log /dev/null;
pid /run/nginx.pid;
user nobody nogroup;
events { worker_connections ${8 * sessionsAtOnce}; }
http {
  access_log off;
  client_body_temp_path /run/nginx-body;
  proxy_temp_path /run/nginx-proxy;
  fastcgi_temp_path /run/nginx-fastcgi;
  uwsgi_temp_path /run/nginx-uwsgi;
  scgi_temp_path /run/nginx-scgi;
  server {
    listen 127.0.0.1:${answers};
    ${answer("/smtp", sink)}
    ${answer("/pop3", behind)}
  }
}
mail {
  server_name ${host};
  ssl_certificate /etc/ssl/cert.pem;
  ssl_certificate_key /etc/ssl/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ecdh_curve X25519:prime256v1;
  starttls on;
  xclient off;
  auth_http 127.0.0.1:${answers}/smtp;
  server { listen 127.0.0.1:${smtp}; protocol smtp; smtp_auth none; }
  server { listen 127.0.0.1:${submission}; protocol smtp; smtp_auth plain; }
  server { listen 127.0.0.1:${pop3}; protocol pop3; auth_http 127.0.0.1:${answers}/pop3; }
}
`,
  );
  const words = ["/usr/sbin/nginx", "-c", "/etc/bench-nginx.conf"];
  await serve(place, withPackages(place, ["nginx"], words), [smtp, submission, pop3]);
  return {
    ...usual,
    doors: new Map([
      ["smtp", smtp],
      ["bare smtp", smtp],
      ["submission", submission],
      ["pop3", pop3],
      ["pop3 clear", pop3],
    ]),
  };
}
