/* How well a call is heard: figures over its life, and a score made of them. */
#ifndef OFFHOOK_QUALITY_H
#define OFFHOOK_QUALITY_H

#include "api.h"

/* One more sample: last, least, most, mean and standard deviation are renewed (Welford's method). */
void spread_add(struct spread *spread, float sample);

/* A score of 0 to 100 (good is above 80) of round-trip times and jitter in seconds and packets lost a report: the
 * E-model's rating (ITU-T G.107) of delay and loss, turned into an opinion score (G.107 Annex B) and stretched. */
float quality_score(const struct spread *rtt, const struct spread *jitter, float jitter_now, const struct spread *lost);

/* The E-model's rating (0 to 93.2) of a delay from mouth to ear and a loss, for G.711 with concealment (G.107 7; G.113
 * Appendix I: Bpl 25.1), and the opinion score (1 to 4.5) of a rating. */
float quality_rating(float delay_ms, float lost_percent);
float quality_opinion(float rating);

#endif
