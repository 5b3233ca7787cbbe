/** Passwords for people who did not bring one. */
import { randomBytes } from "node:crypto";

/** No letter that is mistaken for another or for a digit. */
const letters = "abcdefghijkmnpqrstuvwxyz23456789";

/** Four times four letters, 80 bits: easy to type from a screen, hopeless to guess. */
export function newPassword(): string {
  const text = Array.from(randomBytes(16), (octet) => letters[octet & 31]).join("");
  return text.replace(/.{4}(?=.)/g, "$&-");
}
