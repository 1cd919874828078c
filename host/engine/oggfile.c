#include "oggfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER = 27,
    CONTINUED = 1,
    FIRST = 2,
    LAST = 4,
    OPUS_HEAD = 19,
    SPEEX_HEAD = 80,
    PRE_SKIP = 312, /* samples; what libopus looks ahead at 48 kHz */
    PAGE_PACKETS = 50
};

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Reading */

void ogg_read_start(struct ogg_reader *reader, int descriptor, int64_t offset)
{
    reader->descriptor = descriptor;
    reader->next = offset;
    reader->segments = reader->segment = reader->at = reader->filled = 0;
    reader->continued = false;
    reader->granule = 0;
}

/* The header of the page at an offset: segments and body size by it; 0 at the end or where no page is, -1 on an error.
 */
static int read_header(int descriptor, int64_t offset, uint8_t header[HEADER], uint8_t lacing[255], int *body)
{
    ssize_t got = pread(descriptor, header, HEADER, offset);
    if (got < 0)
        return -1;
    if (got != HEADER || memcmp(header, "OggS", 4) || header[4])
        return 0;
    int segments = header[26];
    got = pread(descriptor, lacing, (size_t)segments, offset + HEADER);
    if (got != segments)
        return got < 0 ? -1 : 0;
    *body = 0;
    for (int i = 0; i < segments; i++)
        *body += lacing[i];
    return segments;
}

/* 1: there is one, 0: the end, -1: error. Pages without a segment are passed over. */
static int read_page(struct ogg_reader *reader)
{
    uint8_t header[HEADER];
    int body, segments = read_header(reader->descriptor, reader->next, header, reader->lacing, &body);
    if (segments <= 0)
        return segments;
    ssize_t got = pread(reader->descriptor, reader->body, (size_t)body, reader->next + HEADER + segments);
    if (got != body)
        return got < 0 ? -1 : 0;
    reader->next += HEADER + segments + body;
    reader->segments = segments;
    reader->segment = reader->at = 0;
    reader->continued = header[5] & CONTINUED;
    reader->granule = (int64_t)get(header + 6, 8);
    return 1;
}

/* Pass over a packet, or what is left of one; false at the end. */
static bool skip_packet(struct ogg_reader *reader)
{
    for (;;) {
        if (reader->segment == reader->segments && read_page(reader) <= 0)
            return false;
        int bytes = reader->lacing[reader->segment++];
        reader->at += bytes;
        if (bytes < 255)
            return true;
    }
}

int ogg_read(struct ogg_reader *reader, uint8_t *packet, int room)
{
    int size = 0;
    for (;;) {
        if (reader->segment == reader->segments) {
            int page = read_page(reader);
            if (page <= 0)
                return page;
            if (!reader->continued)
                size = 0;                           /* the end of what was begun is gone */
            else if (!size && !skip_packet(reader)) /* its beginning is not ours */
                return 0;
            continue;
        }
        int bytes = reader->lacing[reader->segment++];
        if (size + bytes <= room)
            memcpy(packet + size, reader->body + reader->at, (size_t)bytes);
        size = size + bytes <= room ? size + bytes : room + 1;
        reader->at += bytes;
        if (bytes < 255 && size && size <= room)
            return size;
        if (bytes < 255)
            size = 0;
    }
}

bool ogg_open(int descriptor, struct ogg_reader *reader, struct ogg_stream *stream)
{
    uint8_t packet[OGG_PACKET];
    *stream = (struct ogg_stream){.kind = OGG_OTHER};
    ogg_read_start(reader, descriptor, 0);
    int size = ogg_read(reader, packet, sizeof(packet));
    int more = 1;
    if (size >= OPUS_HEAD && !memcmp(packet, "OpusHead", 8) && packet[8] < 16) {
        stream->kind = OGG_OPUS;
        stream->rate = 48000;
        stream->pre_skip = (int)get(packet + 10, 2);
    } else if (size >= SPEEX_HEAD && !memcmp(packet, "Speex   ", 8)) {
        stream->kind = OGG_SPEEX;
        stream->rate = (int)get(packet + 36, 4);
        more = 1 + (int)(get(packet + 68, 4) & 0xff);
    } else {
        return size > 0;
    }
    for (int i = 0; i < more; i++) /* comments may be longer than we care for */
        if (!skip_packet(reader))
            return false;
    stream->data = reader->next;
    return reader->segment == reader->segments;
}

/* Go over the headers of pages: returns the last granule, and where the page that holds `sample` begins. */
static int64_t scan(int descriptor, const struct ogg_stream *stream, int64_t sample, int64_t *offset, int64_t *begins)
{
    uint8_t header[HEADER], lacing[255];
    int64_t at = stream->data, granule = 0;
    int body, segments;
    while ((segments = read_header(descriptor, at, header, lacing, &body)) > 0) {
        int64_t end = (int64_t)get(header + 6, 8);
        if (end != -1 && end > sample && !(header[5] & CONTINUED)) {
            *offset = at;
            *begins = granule;
            return end;
        }
        granule = end != -1 ? end : granule;
        at += HEADER + segments + body;
    }
    *offset = at;
    *begins = granule;
    return segments < 0 ? -1 : granule;
}

int64_t ogg_length(int descriptor, const struct ogg_stream *stream)
{
    int64_t offset, begins, length = scan(descriptor, stream, INT64_MAX, &offset, &begins);
    return length < 0 ? -1 : length > stream->pre_skip ? length - stream->pre_skip : 0;
}

int64_t ogg_find(int descriptor, const struct ogg_stream *stream, int64_t sample, int64_t *begins)
{
    int64_t offset;
    scan(descriptor, stream, sample, &offset, begins);
    return offset;
}

/* Writing */

/* RFC 3533 6: polynomial 0x04c11db7, nothing reflected. */
static uint32_t checksum(uint32_t crc, const uint8_t *bytes, int count)
{
    static uint32_t table[256];
    if (!table[1]) /* the disk thread's alone */
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i << 24;
            for (int bit = 0; bit < 8; bit++)
                value = value & 0x80000000u ? value << 1 ^ 0x04c11db7u : value << 1;
            table[i] = value;
        }
    for (int i = 0; i < count; i++)
        crc = crc << 8 ^ table[(crc >> 24 ^ bytes[i]) & 0xff];
    return crc;
}

static bool write_all(struct ogg_writer *writer, const uint8_t *bytes, int count)
{
    while (count > 0) {
        ssize_t done = pwrite(writer->descriptor, bytes, (size_t)count, writer->offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            writer->failed = true;
            return false;
        }
        bytes += done;
        count -= (int)done;
        writer->offset += done;
    }
    return true;
}

static bool flush(struct ogg_writer *writer, int flags)
{
    uint8_t header[HEADER + 255] = "OggS";
    header[5] = (uint8_t)flags;
    put(header + 6, (uint64_t)writer->granule, 8);
    put(header + 14, writer->serial, 4);
    put(header + 18, writer->page++, 4);
    header[26] = (uint8_t)writer->segments;
    memcpy(header + HEADER, writer->lacing, (size_t)writer->segments);
    int size = HEADER + writer->segments;
    uint32_t crc = checksum(checksum(0, header, size), writer->body, writer->filled);
    put(header + 22, crc, 4);
    bool written = write_all(writer, header, size) && write_all(writer, writer->body, writer->filled);
    writer->segments = writer->filled = 0;
    return written;
}

static void append(struct ogg_writer *writer, const uint8_t *packet, int bytes)
{
    memcpy(writer->body + writer->filled, packet, (size_t)bytes);
    writer->filled += bytes;
    for (; bytes >= 255; bytes -= 255)
        writer->lacing[writer->segments++] = 255;
    writer->lacing[writer->segments++] = (uint8_t)bytes;
}

static int comments(uint8_t *out, const char *magic)
{
    static const char vendor[] = "Offhook";
    int at = (int)strlen(magic), length = (int)sizeof(vendor) - 1;
    memcpy(out, magic, (size_t)at);
    put(out + at, (uint64_t)length, 4);
    memcpy(out + at + 4, vendor, (size_t)length);
    put(out + at + 4 + length, 0, 4);
    return at + 8 + length;
}

static int opus_head(uint8_t *out)
{
    memcpy(out, "OpusHead", 8);
    out[8] = 1; /* version */
    out[9] = 1; /* channels */
    put(out + 10, PRE_SKIP, 2);
    put(out + 12, 8000, 4); /* what it was recorded at, for display */
    return OPUS_HEAD;
}

static int speex_head(uint8_t *out, int rate)
{
    int mode = rate == 8000 ? 0 : rate == 16000 ? 1 : 2;
    memcpy(out, "Speex   1.2", 11);
    put(out + 28, 1, 4);
    put(out + 32, SPEEX_HEAD, 4);
    put(out + 36, (uint64_t)rate, 4);
    put(out + 40, (uint64_t)mode, 4);
    put(out + 44, 4, 4); /* version of the bit stream */
    put(out + 48, 1, 4); /* channels */
    put(out + 52, 0xffffffffu, 4);
    put(out + 56, (uint64_t)rate / 50, 4);
    put(out + 64, 1, 4); /* frames in a packet */
    return SPEEX_HEAD;
}

bool ogg_create(struct ogg_writer *writer, int descriptor, enum ogg_kind kind, int rate)
{
    uint8_t packet[128] = {0};
    memset(writer, 0, sizeof(*writer));
    writer->descriptor = descriptor;
    writer->serial = 0x0ff100c0u;
    int head = kind == OGG_OPUS ? opus_head(packet) : speex_head(packet, rate);
    append(writer, packet, head);
    bool good = flush(writer, FIRST);
    append(writer, packet, comments(packet, kind == OGG_OPUS ? "OpusTags" : ""));
    return flush(writer, 0) && good;
}

bool ogg_write(struct ogg_writer *writer, const uint8_t *packet, int bytes, int samples)
{
    int needed = bytes / 255 + 1;
    if (bytes > OGG_PACKET || writer->failed)
        return false;
    if (writer->segments + needed > 255 || writer->segments >= PAGE_PACKETS)
        flush(writer, 0);
    writer->granule += samples;
    append(writer, packet, bytes);
    return !writer->failed;
}

bool ogg_finish(struct ogg_writer *writer)
{
    return flush(writer, LAST) && !writer->failed;
}
