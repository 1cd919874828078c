/* Ogg files of one logical stream (RFC 3533) holding Opus (RFC 7845) or Speex: packets out of pages, and into them. */
#ifndef OFFHOOK_OGGFILE_H
#define OFFHOOK_OGGFILE_H

#include <stdbool.h>
#include <stdint.h>

enum { OGG_PACKET = 4096, OGG_PAGE = 27 + 255 + 255 * 255 };

enum ogg_kind { OGG_OTHER, OGG_OPUS, OGG_SPEEX };

struct ogg_stream {
    enum ogg_kind kind;
    int rate;     /* of Speex; Opus is 48000 */
    int pre_skip; /* samples of Opus that are not to be heard */
    int64_t data; /* where the pages with sound begin, in the file */
};

struct ogg_reader {
    int descriptor;
    int64_t next; /* of the next page, in the file */
    int segments, segment, at, filled;
    bool continued; /* the page's first packet began on the page before */
    int64_t granule;
    uint8_t lacing[255];
    uint8_t body[255 * 255];
};

/* Begin with the page at an offset. */
void ogg_read_start(struct ogg_reader *reader, int descriptor, int64_t offset);

/* The next whole packet: its size, 0 at the end, -1 on an error of the disk. Larger ones than `room` are left out. */
int ogg_read(struct ogg_reader *reader, uint8_t *packet, int room);

/* Read the headers; false when it is no Ogg file with one stream that begins as it must. */
bool ogg_open(int descriptor, struct ogg_reader *reader, struct ogg_stream *stream);

/* Samples in all pages up to the last that is whole; -1 on an error. */
int64_t ogg_length(int descriptor, const struct ogg_stream *stream);

/* Offset of a page from which reading reaches that sample, and the sample at which the page begins. */
int64_t ogg_find(int descriptor, const struct ogg_stream *stream, int64_t sample, int64_t *begins);

struct ogg_writer {
    int descriptor;
    int64_t offset; /* where the next page goes */
    uint32_t serial, page;
    int64_t granule; /* of the last packet added */
    int segments, filled;
    bool failed;
    uint8_t lacing[255];
    uint8_t body[255 * 255];
};

/* Write the headers of a new file. False on an error of the disk. */
bool ogg_create(struct ogg_writer *writer, int descriptor, enum ogg_kind kind, int rate);

/* Add a packet of that many samples (at 48 kHz for Opus). */
bool ogg_write(struct ogg_writer *writer, const uint8_t *packet, int bytes, int samples);

/* Write what is left, marked as the end. */
bool ogg_finish(struct ogg_writer *writer);

#endif
