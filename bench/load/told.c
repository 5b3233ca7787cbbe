#define _GNU_SOURCE
#include "told.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

double clock_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void note_session(struct told *told, double seconds) {
  if (told->sessions == told->room) {
    told->room = told->room ? 2 * told->room : 4096;
    told->latencies = realloc(told->latencies, told->room * sizeof *told->latencies);
    if (!told->latencies) exit(111);
  }
  told->latencies[told->sessions++] = seconds * 1000;
}

void note_failure(struct told *told, const char *failure) {
  if (told->failures++ == 0) snprintf(told->first_failure, sizeof told->first_failure, "%s", failure);
}

static int by_size(const void *one, const void *other) {
  float a = *(const float *)one, b = *(const float *)other;
  return (a > b) - (a < b);
}

static double quantile(const struct told *told, double part) {
  if (told->sessions == 0) return 0;
  size_t at = told->sessions * part;
  return told->latencies[at < told->sessions ? at : told->sessions - 1];
}

/* As JSON; each octet is a character of latin1. */
static void put_text(const char *text) {
  putchar('"');
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\') printf("\\u%04x", *at);
    else putchar(*at);
  }
  putchar('"');
}

void tell(struct told *told) {
  if (told->sessions > 0) qsort(told->latencies, told->sessions, sizeof *told->latencies, by_size);
  printf("{\"sessions\":%zu,\"seconds\":%.6f,\"cpuSeconds\":%.6f,", told->sessions, told->seconds, told->cpu_seconds);
  printf("\"latency\":{\"median\":%.6f,\"p99\":%.6f},", quantile(told, 0.5), quantile(told, 0.99));
  printf("\"failures\":%zu", told->failures);
  if (told->failures > 0) {
    printf(",\"firstFailure\":");
    put_text(told->first_failure);
  }
  printf("}\n");
  fflush(stdout);
}
