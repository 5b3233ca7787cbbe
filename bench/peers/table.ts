import type { Contender } from "../contender/contender.ts";
import { bareC } from "./bare-c.ts";
import { bareNode } from "./bare-node.ts";
import { courier } from "./courier.ts";
import { dovecot } from "./dovecot.ts";
import { exim } from "./exim.ts";
import { haraka } from "./haraka.ts";
import { mailfront } from "./mailfront.ts";
import { nginx } from "./nginx.ts";
import { opensmtpd } from "./opensmtpd.ts";
import { ours } from "./ours.ts";
import { postfix } from "./postfix.ts";
import { smtpServer } from "./smtp-server.ts";

/** Everyone who is measured, in the order of the table's columns. */
export const contenders: readonly Contender[] = [
  ours,
  smtpServer,
  postfix,
  opensmtpd,
  exim,
  dovecot,
  courier,
  mailfront,
  haraka,
  nginx,
  bareNode,
  bareC,
];
