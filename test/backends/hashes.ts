import { argon2Sync, randomBytes } from "node:crypto";
import { formatHash } from "../../src/control/password-hash.ts";

/** An argon2id hash at the price of a test. */
export function cheapHash(password: string): string {
  const [salt, cost] = [randomBytes(16), { memoryKibibytes: 64, passes: 1, lanes: 1 }];
  const { memoryKibibytes: memory, passes, lanes: parallelism } = cost;
  const message = Buffer.from(password);
  const tag = argon2Sync("argon2id", { message, nonce: salt, memory, passes, parallelism, tagLength: 32 });
  return formatHash({ ...cost, salt, tag });
}
