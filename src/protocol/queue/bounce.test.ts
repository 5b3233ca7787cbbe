import assert from "node:assert/strict";
import { test } from "node:test";
import { bounceOf, doubleBounceSender } from "./bounce.ts";

const reporter = { me: "mx.example", postmaster: "postmaster@mx.example", now: 0, id: 7 };
const message = {
  sender: "bob@example.com",
  failures: [{ address: "nobody@mx.example", text: "Sorry, no mailbox here by that name. (#5.1.1)\n" }],
  head: Buffer.from("Subject: x\nFrom: bob@example.com\n\nsecret body\n"),
  arrived: 0,
};

test("the sender is told who did not get it, and why", () => {
  const bounce = bounceOf(message, reporter);
  assert.equal(bounce?.sender, "");
  assert.equal(bounce.recipient, "bob@example.com");
  assert.equal(
    Buffer.from(bounce.content).toString("latin1"),
    `Date: 1 Jan 1970 00:00:00 -0000
From: MAILER-DAEMON@mx.example
To: bob@example.com
Message-ID: <0.7.qmail@mx.example>
Subject: failure notice
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="0.7/mx.example"

--0.7/mx.example
Content-Type: text/plain; charset=x-unknown

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<nobody@mx.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--0.7/mx.example
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: 1 Jan 1970 00:00:00 -0000

Final-Recipient: rfc822; nobody@mx.example
Action: failed
Status: 5.1.1

--0.7/mx.example
Content-Type: text/rfc822-headers

Subject: x
From: bob@example.com

--0.7/mx.example--
`,
  );
});

test("a bounce that bounces goes to the postmaster, and that is the end of it", () => {
  const double = bounceOf({ ...message, sender: "" }, reporter);
  assert.equal(double?.sender, doubleBounceSender);
  assert.equal(double.recipient, "postmaster@mx.example");
  assert.equal(bounceOf({ ...message, sender: doubleBounceSender }, reporter), undefined);
});

test("an address with a line end makes no field", () => {
  const bounce = bounceOf({ ...message, sender: "a\nBcc: everybody" }, reporter);
  assert.doesNotMatch(Buffer.from(bounce!.content).toString("latin1"), /^Bcc/m);
});
