/** Which workers a service needs, and as whom they run. ARCHITECTURE.md, "Who runs as whom" */
import type { Account } from "../system.ts";
import { asksForUser, type Service, type WorkerFacts } from "./service.ts";

/** What a worker is for. Services that need the same share one: the key tells. */
export interface Role {
  readonly key: string;
  readonly facts: WorkerFacts;
}

interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

export class Roles {
  readonly #unprivileged: Required<Identity>;
  readonly #root: boolean;

  /** `unprivileged`: who parses what comes from the network when a service names nobody. Without `root` all stay who they are. */
  constructor(unprivileged: Required<Identity>, root: boolean) {
    this.#unprivileged = unprivileged;
    this.#root = root;
  }

  /** undefined: the service has no certificate. */
  tls({ certificate, uid, gid }: Service): Role | undefined {
    if (certificate === undefined) return undefined;
    const who = this.#identity(certificate.uid ?? uid, certificate.gid ?? gid);
    const chroot = this.#root ? certificate.chroot : undefined;
    return {
      key: `tls ${who.uid} ${who.gid} ${chroot}`,
      facts: { kind: "tls", title: "acceptutils: tls", ...who, chroot },
    };
  }

  /** The processes that run a service's sessions. */
  fronts(service: Service): readonly Role[] {
    const { key, title, facts } = this.#front(service);
    const { fronts } = service;
    return Array.from({ length: fronts }, (_, at) => ({
      key: fronts === 1 ? key : `${key} ${at + 1}/${fronts}`,
      facts: { ...facts, title: at === 0 ? title : `${title} ${at + 1}` },
    }));
  }

  /** Who accepts, when there are several fronts; undefined: the only one does. */
  listener(service: Service): Role | undefined {
    if (service.fronts === 1) return undefined;
    const { key, facts } = this.#front(service);
    return {
      key: `listener ${key} ${service.fronts}`,
      facts: { ...facts, kind: "listener", title: "acceptutils: listener" },
    };
  }

  #front(service: Service) {
    const asks = asksForUser(service);
    const who = this.#identity(service.uid, service.gid);
    const groups = this.#root ? service.groups : undefined;
    return {
      key: `front ${who.uid} ${who.gid} ${groups} ${asks ? "auth" : "smtp"}`,
      title: `acceptutils: ${asks ? "auth front" : "front"}`,
      facts: { kind: "front" as const, ...who, groups },
    };
  }

  auth(): Role {
    return { key: "auth", facts: { kind: "auth", title: "acceptutils: auth" } };
  }

  /** `groups`: those that a checkpassword of someone else's gave the user; undefined: those of the system. */
  user({ user, uid, gid }: Account, groups?: readonly number[]): Role {
    if (!this.#root) return { key: "user", facts: { kind: "user", title: "acceptutils: users" } };
    return {
      key: `user ${uid} ${gid} ${groups ?? ""}`,
      facts: {
        kind: "user",
        title: `acceptutils: user ${user}`,
        ...{ uid, gid },
        // One or the other: the system's groups of the user, or exactly those.
        ...(groups === undefined ? { user } : { groups: groups.filter((each) => each !== gid) }),
      },
    };
  }

  #identity(uid: number | undefined, gid: number | undefined): Identity {
    if (!this.#root) return {};
    return { uid: uid || this.#unprivileged.uid, gid: gid || this.#unprivileged.gid };
  }
}
