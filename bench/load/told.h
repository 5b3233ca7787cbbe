/* What the load generator tells: plan.ts says what it means. */
#ifndef TOLD_H
#define TOLD_H

#include <stddef.h>

struct told {
  size_t sessions, failures;
  double seconds, cpu_seconds;
  size_t room;
  float *latencies;           /* of each session, in milliseconds */
  char first_failure[400];
};

double clock_seconds(void);
/* Of this process, until now. */
double cpu_seconds(void);
void note_session(struct told *, double seconds);
void note_failure(struct told *, const char *failure);
/* Writes it as one line of JSON. */
void tell(struct told *);

#endif
