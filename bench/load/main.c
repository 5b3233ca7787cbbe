/*
 * The load generator: reads a plan on descriptor 0, runs its sessions, so many at once in one loop, and writes what came
 * of it as one line of JSON. With `hold` it writes `open` first, when all are there, and goes on when its input has more
 * or ends.
 */
#define _GNU_SOURCE
#include "session.h"
#include "told.h"
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TURN 512
/* One that fails always would fail all day. */
#define FAILURES 10
/* Sessions that are held begin one after the other in so many rows. */
#define OPENERS 64
/*
 * Between two turns we look away for so long, unless there is one session alone. Who writes to a process that waits pays
 * for waking it up: on one machine that is the server, a fifth of what a short session costs it, and clients elsewhere
 * never ask that of it.
 */
#define NAP_NANOSECONDS 150000

/* Place for one session, and then the next. */
struct client {
  struct session session;
  double began, heard;   /* when it began, and when anything happened last */
  uint32_t interest;     /* what epoll(7) watches it for; 0 when it is nobody */
  bool opens;            /* nobody else has begun in its stead yet */
};

static struct plan plan;
static struct client *clients;
static struct told told;
static double started, now;
static int loop;
static size_t begun, open_now;
static bool asked;   /* to go on: our input has more, or has ended */

static bool may_begin(void) {
  if (plan.hold) return begun < plan.clients && told.failures == 0;
  return told.failures < FAILURES && now < started + plan.seconds && (plan.sessions == 0 || begun < plan.sessions);
}

static void leave(struct client *client, enum progress how) {
  close_connection(&client->session.connection, how == DONE);
  client->interest = 0;
  open_now--;
}

static void watch(struct client *client) {
  uint32_t interest = EPOLLIN | (client->session.connection.wants_out ? EPOLLOUT : 0);
  if (interest == client->interest) return;
  struct epoll_event event = {.events = interest, .data.ptr = client};
  epoll_ctl(loop, client->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, client->session.connection.fd, &event);
  client->interest = interest;
}

/* Notes what came of a step forward. Returns true when it is another's turn to begin. */
static bool settle(struct client *client, enum progress progress) {
  bool turn = client->opens;
  if (progress == WAITS) {
    watch(client);
    if (!turn || !is_held(&client->session)) return false;
    client->opens = false;
  }
  if (progress == FAILED) note_failure(&told, client->session.failure);
  else note_session(&told, clock_seconds() - client->began);
  if (progress != WAITS) leave(client, progress);
  return turn;
}

/* Begins the next session, and those after it when it ends at once. */
static void begin_next(struct client *client) {
  do {
    if (!may_begin()) return;
    if (plan.hold) client = &clients[begun];
    begun++;
    open_now++;
    client->opens = true;
    client->began = client->heard = now = clock_seconds();
  } while (settle(client, begin_session(&client->session, &plan)));
}

static void look_for_silence(void) {
  for (size_t at = 0; at < plan.clients; at++) {
    struct client *client = &clients[at];
    if (!client->interest || is_held(&client->session) || now < client->heard + plan.silence) continue;
    if (settle(client, fail(&client->session, "silence"))) begin_next(client);
  }
}

/* One turn of the loop. */
static void turn(int patience) {
  struct epoll_event events[TURN];
  if (plan.clients > 1) nanosleep(&(struct timespec){.tv_nsec = NAP_NANOSECONDS}, NULL);
  int ready = epoll_wait(loop, events, TURN, patience);
  now = clock_seconds();
  for (int at = 0; at < ready; at++) {
    struct client *client = events[at].data.ptr;
    if (!client) { asked = true; continue; }
    client->heard = now;
    if (settle(client, go_on(&client->session, events[at].events & ~EPOLLOUT))) begin_next(client);
  }
}

static bool all_held(void) {
  for (size_t at = 0; at < begun; at++)
    if (clients[at].interest && !is_held(&clients[at].session)) return false;
  return true;
}

/* Runs until there is no session, or none that does more than to stay. */
static void run(void) {
  int patience = plan.silence * 1000 / 8 + 1;
  double looked = now;
  size_t at_once = plan.hold && plan.clients > OPENERS ? OPENERS : plan.clients;
  for (size_t at = 0; at < at_once; at++) begin_next(&clients[at]);
  while (plan.hold ? may_begin() || !all_held() : open_now > 0) {
    turn(patience);
    if (now < looked + patience / 1000.0) continue;
    look_for_silence();
    looked = now;
  }
}

/* All sessions stay open until somebody has looked at the server. */
static void hold(void) {
  puts("open");
  fflush(stdout);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  asked = epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0;
  while (!asked) turn(-1);
  for (size_t at = 0; at < begun; at++)
    if (clients[at].interest) leave(&clients[at], WAITS);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  if (!getrlimit(RLIMIT_NOFILE, &files)) files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
  prctl(PR_SET_TIMERSLACK, 1); /* naps are as short as they say */
  plan = read_plan();
  set_up_tls();
  clients = calloc(plan.clients, sizeof *clients);
  loop = epoll_create1(EPOLL_CLOEXEC);
  if (!clients || loop < 0) return 111;
  double cpu = cpu_seconds();
  started = now = clock_seconds();
  run();
  if (plan.hold) hold();
  told.seconds = clock_seconds() - started;
  told.cpu_seconds = cpu_seconds() - cpu;
  tell(&told);
  return 0;
}
