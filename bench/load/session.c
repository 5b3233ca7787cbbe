#define _GNU_SOURCE
#include "session.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct step *step_of(const struct session *session) {
  return &session->plan->steps[session->step];
}

bool is_held(const struct session *session) {
  return session->step < session->plan->count && step_of(session)->kind == HOLD;
}

/* As many octets of a line as one wants to read. */
static int shown(const char *at, size_t length) {
  const char *end = memchr(at, '\n', length);
  if (end) length = end - at;
  if (length > 0 && at[length - 1] == '\r') length--;
  return length < 120 ? (int)length : 120;
}

enum progress fail(struct session *session, const char *format, ...) {
  char what[300];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  static const char *const names[] = {[SAY] = "greeting", [RETRIEVE] = "", [TLS] = "TLS", [END] = "end", [HOLD] = "hold"};
  const struct step *step = step_of(session);
  const char *name = names[step->kind];
  int length = strlen(name);
  if (step->content) {
    name = "message";
    length = strlen(name);
  } else if (step->send.length > 0) {
    name = step->send.at;
    length = shown(name, step->send.length);
    if (length > 40) length = 40;
  }
  snprintf(session->failure, sizeof session->failure, "%s (step %zu, %.*s)", what, session->step + 1, length, name);
  return FAILED;
}

static enum progress wrong(struct session *session, const char *line, size_t length) {
  const struct octets *expect = &step_of(session)->expect, *or = &step_of(session)->or;
  return fail(session, "%.*s instead of %.*s%s%.*s", shown(line, length), line, (int)expect->length, expect->at,
              or->length ? " or " : "", (int)or->length, or->at);
}

/* Nothing more will come, and it was not enough. */
static enum progress cut_off(struct session *session) {
  const char *rest = session->heard + session->start;
  int length = shown(rest, session->end - session->start);
  return fail(session, "the connection ended%s%.*s", length ? " after " : "", length, rest);
}

/* What waits for more to be heard. */
static enum progress waits(struct session *session) {
  return session->closed ? cut_off(session) : WAITS;
}

static bool begins(const char *line, size_t length, const struct octets *with) {
  return length >= with->length && !memcmp(line, with->at, with->length);
}

/* The last line of the next reply, without its end; NULL when it is not there yet. RFC 5321 4.2.1: `250-` goes on. */
static const char *next_reply(struct session *session, size_t *length) {
  for (size_t at = session->start;;) {
    const char *line = session->heard + at;
    const char *newline = memchr(line, '\n', session->end - at);
    if (!newline) return NULL;
    *length = newline - line;
    at += *length + 1;
    bool more = *length > 3 && line[3] == '-' && strspn(line, "0123456789") >= 3;
    if (more) continue;
    session->start = at;
    return line;
  }
}

/* Writes what the connection takes. What it does not take for good shows when the answer is read. */
static void send_more(struct session *session, const struct octets *send) {
  while (session->sent < send->length && !session->connection.trouble) {
    ssize_t put = write_some(&session->connection, send->at + session->sent, send->length - session->sent);
    if (put < 0) return;
    session->sent += put;
  }
}

static enum progress say(struct session *session, const struct step *step) {
  send_more(session, &step->send);
  bool said = session->sent == step->send.length;
  while (session->replies < step->times) {
    size_t length;
    const char *line = next_reply(session, &length);
    if (!line) return waits(session);
    bool good = begins(line, length, &step->expect) || (step->or.length > 0 && begins(line, length, &step->or));
    if (!good) return wrong(session, line, length);
    if (!said && step->times == 1) return fail(session, "%.*s before all was said", shown(line, length), line);
    session->replies++;
  }
  return said ? DONE : waits(session);
}

static enum progress retrieve(struct session *session, const struct step *step) {
  send_more(session, &step->send);
  const char *heard = session->heard + session->start;
  size_t length = session->end - session->start;
  if (length == 0) return waits(session);
  if (!session->welcome && *heard != '+')
    return memchr(heard, '\n', length) ? fail(session, "%.*s", shown(heard, length), heard) : waits(session);
  session->welcome = true;
  /* qmail-pop3d ends each message with a line of its own. */
  static const char *const dots[] = {".\r\n", "\r\n.\r\n"};
  for (size_t at = 0; at < 2; at++) {
    size_t dot = strlen(dots[at]), whole = step->expect.length + dot;
    if (length < whole || memcmp(heard + length - dot, dots[at], dot)) continue;
    if (memcmp(heard + length - whole, step->expect.at, step->expect.length)) continue;
    session->start = session->end;
    if (session->octets + length < step->times)
      return fail(session, "%zu octets instead of %zu: %.*s", session->octets + length, step->times, shown(heard, length), heard);
    return session->sent == step->send.length ? DONE : fail(session, "all of it before all was said");
  }
  return waits(session);
}

static enum progress secure(struct session *session) {
  size_t early = session->end - session->start;
  const char *rest = session->heard + session->start;
  if (early > 0) return fail(session, "more in clear: %.*s", shown(rest, early), rest);
  int done = shake_hands(&session->connection);
  if (done == CLOSED) return fail(session, "closed in the handshake");
  if (done == BROKEN) return fail(session, "%s", session->connection.trouble);
  return done == LATER ? WAITS : DONE;
}

/* Waits in silence: for the end, or for ours. */
static enum progress listen_for_more(struct session *session, bool until_closed) {
  const char *rest = session->heard + session->start;
  size_t more = session->end - session->start;
  if (more > 0) return fail(session, "more: %.*s", shown(rest, more), rest);
  if (!session->closed) return WAITS;
  return until_closed ? DONE : cut_off(session);
}

static enum progress carry_out(struct session *session) {
  const struct step *step = step_of(session);
  switch (step->kind) {
    case SAY: return say(session, step);
    case RETRIEVE: return retrieve(session, step);
    case TLS: return secure(session);
    case END: return listen_for_more(session, true);
    case HOLD: return listen_for_more(session, false);
  }
  return FAILED;
}

/* Room for what comes next: of a response only its end matters, of replies all that was not looked at. */
static size_t make_room(struct session *session) {
  size_t keep = session->end - session->start;
  if (step_of(session)->kind == RETRIEVE && session->welcome && keep > LONGEST_END + 5) session->octets += keep - (LONGEST_END + 5), keep = LONGEST_END + 5;
  if (keep == 0 || session->end > sizeof session->heard / 2) {
    memmove(session->heard, session->heard + session->end - keep, keep);
    session->start = 0;
    session->end = keep;
  }
  return sizeof session->heard - session->end;
}

/* DONE when more may be there, WAITS when an event will tell. */
static enum progress hear(struct session *session, bool *readable) {
  size_t room = make_room(session);
  if (room == 0) return fail(session, "a line without end: %.*s", shown(session->heard, session->end), session->heard);
  const char *trouble = session->connection.trouble;
  ssize_t got = read_some(&session->connection, session->heard + session->end, room);
  if (got == LATER && trouble) return fail(session, "%s", trouble);
  if (got == LATER) return WAITS;
  bool over = step_of(session)->kind == END && session->connection.reset;
  if (got == BROKEN && !over) return fail(session, "%s", trouble ? trouble : session->connection.trouble);
  if (got > 0) session->end += got;
  else session->closed = true;
  *readable = got > 0 && (session->connection.ssl ? has_more(&session->connection) : (size_t)got == room);
  return DONE;
}

enum progress go_on(struct session *session, bool readable) {
  struct connection *connection = &session->connection;
  connection->wants_out = false;
  while (session->step < session->plan->count) {
    enum kind kind = step_of(session)->kind;
    enum progress progress = carry_out(session);
    if (progress == FAILED) return FAILED;
    if (progress == DONE) {
      session->step++;
      session->sent = session->replies = session->octets = 0;
      session->welcome = false;
      if (kind == TLS) readable = has_more(connection);
      continue;
    }
    if (kind == TLS || session->closed || !(readable || connection->trouble)) return WAITS;
    progress = hear(session, &readable);
    if (progress != DONE) return progress;
  }
  return DONE;
}

enum progress begin_session(struct session *session, const struct plan *plan) {
  session->plan = plan;
  session->step = session->sent = session->replies = session->octets = session->start = session->end = 0;
  session->welcome = session->closed = false;
  if (open_connection(&session->connection, plan) == BROKEN) return fail(session, "%s", session->connection.trouble);
  return go_on(session, false);
}
