/* What the load generator is told: plan.ts says what it means, encode.ts writes it. */
#ifndef PLAN_H
#define PLAN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct octets {
  char *at;
  size_t length;
};

enum kind { SAY, RETRIEVE, TLS, END, HOLD };

struct step {
  enum kind kind;
  bool content;               /* what it sends is the message */
  struct octets send;         /* may be none: the greeting comes unasked */
  struct octets expect, or;   /* a reply's good beginnings; how a response ends */
  size_t times;               /* replies to what was sent; octets of a response, at least */
};

struct plan {
  struct sockaddr_storage address;
  socklen_t address_length;
  size_t clients, sessions;   /* at once; in all, 0 when only time ends them */
  double seconds, silence;    /* no session begins after; nothing was heard for so long */
  bool hold;                  /* the last step waits for the end of our input */
  struct octets message;
  size_t count;
  struct step *steps;
};

/* An end of a response that is no longer than this is found wherever its octets are cut. */
#define LONGEST_END 4000

/* Reads a plan from standard input and nothing beyond it. Ends the process when it is none. */
struct plan read_plan(void);

#endif
