#include "quality.h"

#include <math.h>

void spread_add(struct spread *spread, float sample)
{
    if (!spread->count || sample < spread->least)
        spread->least = sample;
    if (!spread->count || sample > spread->most)
        spread->most = sample;
    float squares = spread->deviation * spread->deviation * (float)spread->count;
    spread->count++;
    float before = sample - spread->mean;
    spread->mean += before / (float)spread->count;
    spread->deviation = sqrtf((squares + before * (sample - spread->mean)) / (float)spread->count);
    spread->last = sample;
}

float quality_opinion(float rating)
{
    if (rating < 0)
        return 1;
    if (rating > 100)
        return 4.5f;
    return 1 + 0.035f * rating + rating * (rating - 60) * (100 - rating) * 0.000007f;
}

float quality_rating(float delay_ms, float lost_percent)
{
    float rating = 93.2f - 0.024f * delay_ms - 95 * lost_percent / (lost_percent + 25.1f);
    if (delay_ms > 177.3f)
        rating -= 0.11f * (delay_ms - 177.3f);
    return rating < 0 ? 0 : rating;
}

float quality_score(const struct spread *rtt, const struct spread *jitter, float jitter_now, const struct spread *lost)
{
    float latency = rtt->mean * 1000 + jitter_now * 2 * (jitter->deviation / 3) + 10; /* ms */
    float rating = latency < 160 ? 93.2f - latency / 40 : 93.2f - (latency - 120) / 10;
    return quality_opinion(rating - lost->mean * 2) * 20;
}
