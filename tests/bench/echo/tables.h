/* The tables that are printed. */
#ifndef OFFHOOK_BENCH_TABLES_H
#define OFFHOOK_BENCH_TABLES_H

#include "signals.h"

/* Composite source signals through the hybrids D.2 .. D.9 of G.168, four return losses. Says why when it cannot. only:
 * rows whose name has this in it. */
void table_css(int tail_ms, enum coding coding, double dbm0, const char *only);

/* Speech through random hybrids; voices: WAV files. cases: hybrids a row. */
void table_speech(int tail_ms, char **voices, int voice_count, int cases);

const char *coding_name(enum coding coding);

#endif
