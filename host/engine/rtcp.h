/* The pieces of RTCP packets (RFC 3550 6). */
#ifndef OFFHOOK_RTCP_H
#define OFFHOOK_RTCP_H

#include <stdbool.h>
#include <stdint.h>

struct rtp;

enum { RTCP_ROOM = 256 };

enum rtcp_type {
    RTCP_REFRESH = 192, /* RFC 2032 5.2.1 */
    RTCP_SENDER = 200,
    RTCP_RECEIVER = 201,
    RTCP_DESCRIPTION = 202,
    RTCP_LOST = 205,    /* RFC 4585 6.2 */
    RTCP_PICTURE = 206, /* RFC 4585 6.3 */
    RTCP_EXTENDED = 207 /* RFC 3611 */
};

static inline void rtcp_put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t rtcp_word(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* A receiver report about nobody and our description: what other packets may follow. Returns its octets. */
int rtcp_write_empty(const struct rtp *rtp, uint8_t *bytes);

/* rtcp_feedback.c */
void rtcp_pass_feedback(struct rtp *rtp, const uint8_t *bytes, int size);
void rtcp_pass_refresh(struct rtp *rtp);
void rtcp_ask_picture(struct rtp *rtp);

/* rtcp_extended.c (RFC 3611). Write a packet of the blocks that were agreed on; 0 octets when none was. */
int rtcp_write_extended(struct rtp *rtp, uint8_t *bytes);
void rtcp_read_extended(struct rtp *rtp, const uint8_t *bytes, int size);

#endif
