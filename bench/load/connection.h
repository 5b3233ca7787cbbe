/* One connection that never blocks, in clear and then in TLS. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "plan.h"
#include <openssl/ssl.h>
#include <sys/types.h>

struct connection {
  int fd;
  SSL *ssl;
  bool wants_out;        /* what waits can go on when there is room to write */
  bool reset;            /* by the server */
  const char *trouble;   /* why it is BROKEN */
};

/* What reading and writing return instead of a number of octets. */
enum { CLOSED = 0, LATER = -1, BROKEN = -2 };

/* Once, before all else. */
void set_up_tls(void);

/* Begins to connect. BROKEN, or LATER: it need not be there for what follows, which waits for it. */
int open_connection(struct connection *, const struct plan *);
ssize_t read_some(struct connection *, char *at, size_t room);
ssize_t write_some(struct connection *, const char *at, size_t length);
/* Octets of TLS are here already, and no event will tell of them. */
bool has_more(const struct connection *);
/* To be called until it does not return LATER: 1 when both sides are done, CLOSED, BROKEN. */
int shake_hands(struct connection *);
/* Says farewell in TLS when all went well. */
void close_connection(struct connection *, bool well);

#endif
