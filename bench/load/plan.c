#define _GNU_SOURCE
#include "plan.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "load: the plan is wrong: %s\n", what);
  exit(2);
}

static struct octets read_octets(size_t length) {
  struct octets octets = {malloc(length + 1), length};
  must(octets.at && fread(octets.at, 1, length, stdin) == length, "its octets");
  return octets;
}

static struct sockaddr_storage address_of(const char *host, int port, socklen_t *length) {
  struct sockaddr_storage storage = {0};
  struct sockaddr_in *four = (struct sockaddr_in *)&storage;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
  if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    *length = sizeof *four;
  } else {
    must(inet_pton(AF_INET6, host, &six->sin6_addr) == 1, "its host");
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    *length = sizeof *six;
  }
  return storage;
}

static enum kind kind_of(const char *word) {
  static const char *const words[] = {[SAY] = "say", [RETRIEVE] = "retrieve", [TLS] = "tls", [END] = "end", [HOLD] = "hold"};
  for (size_t at = 0; at < sizeof words / sizeof *words; at++)
    if (!strcmp(word, words[at])) return (enum kind)at;
  must(false, "its steps");
  return END;
}

struct plan read_plan(void) {
  struct plan plan = {0};
  char host[64], word[16];
  int port;
  size_t octets;
  must(scanf("%63s %d %zu %zu %lf %lf %zu %zu", host, &port, &plan.clients, &plan.sessions, &plan.seconds,
             &plan.silence, &plan.count, &octets) == 8 && getchar() == '\n', "its first line");
  plan.address = address_of(host, port, &plan.address_length);
  plan.message = read_octets(octets);
  must((plan.steps = calloc(plan.count + 1, sizeof *plan.steps)) != NULL, "too long");
  for (size_t at = 0; at < plan.count; at++) {
    struct step *step = &plan.steps[at];
    size_t send, expect, or;
    must(scanf("%15s %zu %zu %zu %zu", word, &step->times, &send, &expect, &or) == 5 && getchar() == '\n', "a step");
    step->content = !strcmp(word, "message");
    step->kind = step->content ? SAY : kind_of(word);
    step->send = read_octets(send);
    if (step->content) free(step->send.at), step->send = plan.message;
    step->expect = read_octets(expect);
    step->or = read_octets(or);
    must(step->kind != RETRIEVE || expect <= LONGEST_END, "the end of a response is too long");
    if (step->kind == HOLD) plan.hold = true;
  }
  return plan;
}
