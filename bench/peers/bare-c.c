/*
 * The physical limit: one process, one loop, no parsing beyond the first four letters of a line. A message is appended
 * to one file; all that ended in one turn of the loop share one flush, and then get their 250.
 *
 *     bare-c PEM FILE        prints its port; "-" for FILE keeps nothing
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 4096
#define TURN 512

struct client {
  int fd, line_length, tail_length;
  char in_message, in_handshake, ends;
  SSL *ssl;
  char line[1024], tail[5];
};

static struct client *clients[CLIENTS + 64];
static SSL_CTX *context;
static int file = -1, epoll;

static void must(int good, const char *what) {
  if (!good) { perror(what); exit(1); }
}

static void hang_up(struct client *c) {
  if (c->ssl) { SSL_shutdown(c->ssl); SSL_free(c->ssl); }
  close(c->fd);
  clients[c->fd] = NULL;
  free(c);
}

/* Replies are short: they fit into the socket's buffer. */
static void say(struct client *c, const char *text, int length) {
  if (c->ssl) SSL_write(c->ssl, text, length);
  else if (write(c->fd, text, length) < 0) c->ends = 1;
}

static void message(struct client *c, const char *at, int length) {
  if (file >= 0) must(write(file, at, length) == length, "write");
  int keep = length < 5 ? length : 5, old = 5 - keep < c->tail_length ? 5 - keep : c->tail_length;
  memmove(c->tail, c->tail + c->tail_length - old, old);
  memcpy(c->tail + old, at + length - keep, keep);
  c->tail_length = old + keep;
}

/* Answers each line of a chunk, all in one write. Returns 1 when a message ended and its 250 is owed. */
static int take(struct client *c, char *at, int length) {
  static char said[1 << 20];
  int octets = 0;
  if (c->in_message) {
    message(c, at, length);
    if (c->tail_length < 5 || memcmp(c->tail, "\r\n.\r\n", 5)) return 0;
    c->in_message = 0;
    return 1;
  }
  for (char *end = at + length; at < end;) {
    char *newline = memchr(at, '\n', end - at);
    int part = (newline ? newline : end) - at, room = (int)sizeof c->line - c->line_length;
    memcpy(c->line + c->line_length, at, part < room ? part : room);
    c->line_length += part < room ? part : room;
    if (!newline) break;
    at = newline + 1;
    const char *reply = "250 ok\r\n";
    if (!memcmp(c->line, "EHLO", 4)) reply = "250-bare\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n";
    if (!memcmp(c->line, "DATA", 4)) reply = "354 go ahead\r\n", c->in_message = 1, c->tail_length = 0;
    if (!memcmp(c->line, "AUTH", 4)) reply = "235 ok\r\n";
    if (!memcmp(c->line, "QUIT", 4)) reply = "221 bye\r\n", c->ends = 1;
    if (!memcmp(c->line, "STAR", 4)) reply = "220 ready\r\n", c->in_handshake = 1;
    c->line_length = 0;
    memcpy(said + octets, reply, strlen(reply));
    octets += strlen(reply);
    if (c->in_message || c->in_handshake || octets > (int)sizeof said - 256) break;
  }
  say(c, said, octets);
  if (c->in_handshake) {
    c->ssl = SSL_new(context);
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_accept_state(c->ssl);
  }
  return 0;
}

static void greet(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    if (fd >= CLIENTS) { close(fd); continue; }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct client *c = clients[fd] = calloc(1, sizeof *c);
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    say(c, "220 bare ESMTP\r\n", 16);
  }
}

int main(int count, char **words) {
  must(count == 3, "usage: bare-c PEM FILE");
  signal(SIGPIPE, SIG_IGN);
  context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set1_groups_list(context, "X25519");
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  must(SSL_CTX_use_certificate_file(context, words[1], SSL_FILETYPE_PEM) == 1, "certificate");
  must(SSL_CTX_use_PrivateKey_file(context, words[1], SSL_FILETYPE_PEM) == 1, "key");
  if (strcmp(words[2], "-")) must((file = open(words[2], O_WRONLY | O_CREAT | O_TRUNC, 0600)) >= 0, "file");
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  must(!bind(listener, (struct sockaddr *)&address, length) && !listen(listener, 4096), "listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  epoll = epoll_create1(0);
  struct epoll_event events[TURN], event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  static char chunk[1 << 16];
  for (;;) {
    struct client *owed[TURN];
    int due = 0, ready = epoll_wait(epoll, events, TURN, -1);
    for (int at = 0; at < ready; at++) {
      if (events[at].data.fd == listener) { greet(listener); continue; }
      struct client *c = clients[events[at].data.fd];
      if (!c) continue;
      for (int again = 1; again && !c->ends;) {
        int got;
        if (c->in_handshake) {
          got = SSL_do_handshake(c->ssl);
          if (got == 1) { c->in_handshake = 0; continue; }
          if (SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ) c->ends = 1;
          break;
        }
        got = c->ssl ? SSL_read(c->ssl, chunk, sizeof chunk) : read(c->fd, chunk, sizeof chunk);
        if (got > 0) {
          if (take(c, chunk, got)) owed[due++] = c, again = 0;
          else if (!c->ssl) again = got == sizeof chunk;
        } else {
          if (c->ssl ? SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ : got == 0) c->ends = 1;
          again = 0;
        }
      }
      if (c->ends) hang_up(c);
    }
    if (due == 0) continue;
    if (file >= 0) must(!fdatasync(file), "fdatasync");
    for (int at = 0; at < due; at++) say(owed[at], "250 ok\r\n", 8);
    if (file >= 0 && lseek(file, 0, SEEK_CUR) > 256L << 20) must(!ftruncate(file, 0) && !lseek(file, 0, SEEK_SET), "file");
  }
}
