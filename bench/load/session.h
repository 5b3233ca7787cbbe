/* One session: carries out the steps of a plan over one connection, and checks all that it hears. */
#ifndef SESSION_H
#define SESSION_H

#include "connection.h"

struct session {
  struct connection connection;
  const struct plan *plan;
  size_t step;            /* its place in the plan */
  size_t sent, replies;   /* of this step */
  size_t octets;          /* of the response to this step, so far dropped from `heard` */
  bool welcome;           /* the response to this step began well */
  bool closed;            /* by the server */
  size_t start, end;      /* of what was heard and not looked at, in `heard` */
  char failure[400];
  char heard[32 * 1024];
};

enum progress { DONE, WAITS, FAILED };

/* Forgets what was, and connects. */
enum progress begin_session(struct session *, const struct plan *);
/* Goes on as far as it can; `readable` when there may be something to hear. */
enum progress go_on(struct session *, bool readable);
/* All steps before `hold` are done. */
bool is_held(const struct session *);
/* Fails with these words, and the step. */
__attribute__((format(printf, 2, 3))) enum progress fail(struct session *, const char *format, ...);

#endif
