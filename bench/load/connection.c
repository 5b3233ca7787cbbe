#define _GNU_SOURCE
#include "connection.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *context;

/* Whose certificate it is was never the question here. */
static int any_certificate(X509_STORE_CTX *chain, void *nothing) {
  (void)chain, (void)nothing;
  return 1;
}

/* Sessions are not kept, so that every handshake is a full one. */
void set_up_tls(void) {
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_groups_list(context, "X25519:P-256");
  SSL_CTX_set_cert_verify_callback(context, any_certificate, NULL);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_read_ahead(context, 1);
}

static int broken(struct connection *connection, const char *trouble) {
  connection->trouble = trouble;
  return BROKEN;
}

/* What errno says of a call on the socket. */
static int blocked(struct connection *connection, bool out) {
  if (errno == EAGAIN || errno == EINTR) {
    if (out || errno == EINTR) connection->wants_out = true;
    return LATER;
  }
  connection->reset = errno == ECONNRESET || errno == EPIPE;
  return broken(connection, strerror(errno));
}

/* What OpenSSL says of a call on the session. */
static int blocked_in_tls(struct connection *connection, int returned) {
  int seen = errno;
  switch (SSL_get_error(connection->ssl, returned)) {
    case SSL_ERROR_WANT_READ: return LATER;
    case SSL_ERROR_WANT_WRITE: connection->wants_out = true; return LATER;
    case SSL_ERROR_ZERO_RETURN: return CLOSED;
    case SSL_ERROR_SYSCALL:
      if (seen == 0) return CLOSED;
      errno = seen;
      return blocked(connection, true);
    default: {
      const char *reason = ERR_reason_error_string(ERR_peek_last_error());
      return broken(connection, reason ? reason : "an error in TLS");
    }
  }
}

int open_connection(struct connection *connection, const struct plan *plan) {
  int on = 1;
  *connection = (struct connection){.fd = socket(plan->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (connection->fd < 0) return broken(connection, strerror(errno));
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(connection->fd, (const struct sockaddr *)&plan->address, plan->address_length) && errno != EINPROGRESS)
    return broken(connection, strerror(errno));
  return LATER;
}

/* OpenSSL looks at its queue of errors to tell what a call met: it has to be empty before. */
static void forget_errors(void) {
  ERR_clear_error();
  errno = 0;
}

ssize_t read_some(struct connection *connection, char *at, size_t room) {
  if (connection->ssl) {
    forget_errors();
    int got = SSL_read(connection->ssl, at, room);
    return got > 0 ? got : blocked_in_tls(connection, got);
  }
  ssize_t got = read(connection->fd, at, room);
  return got >= 0 ? got : blocked(connection, false);
}

ssize_t write_some(struct connection *connection, const char *at, size_t length) {
  if (connection->ssl) {
    forget_errors();
    int put = SSL_write(connection->ssl, at, length < 1 << 30 ? length : 1 << 30);
    if (put > 0) return put;
    int met = blocked_in_tls(connection, put);
    return met == CLOSED ? broken(connection, "closed while we wrote") : met;
  }
  ssize_t put = write(connection->fd, at, length);
  return put > 0 ? put : blocked(connection, true);
}

bool has_more(const struct connection *connection) {
  return connection->ssl && SSL_has_pending(connection->ssl);
}

int shake_hands(struct connection *connection) {
  if (!connection->ssl) {
    connection->ssl = SSL_new(context);
    if (!connection->ssl || !SSL_set_fd(connection->ssl, connection->fd)) return broken(connection, "no memory for TLS");
    SSL_set_connect_state(connection->ssl);
  }
  forget_errors();
  int done = SSL_do_handshake(connection->ssl);
  return done == 1 ? 1 : blocked_in_tls(connection, done);
}

void close_connection(struct connection *connection, bool well) {
  if (connection->ssl) {
    if (well) SSL_shutdown(connection->ssl);
    SSL_free(connection->ssl);
  }
  if (connection->fd >= 0) close(connection->fd);
  *connection = (struct connection){.fd = -1};
}
