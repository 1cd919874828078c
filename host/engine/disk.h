/* The disk thread: reads ahead for players, writes behind for recorders, so that the real-time thread never waits. */
#ifndef OFFHOOK_DISK_H
#define OFFHOOK_DISK_H

#include <stdbool.h>

struct disk;
struct player;
struct recorder;

/* Without a thread of its own, disk_work is called by the owner each tick. NULL when there is no memory. */
struct disk *disk_new(void);
bool disk_start(struct disk *disk);

/* Serve what is asked, once. */
void disk_work(struct disk *disk);

/* End the thread; files still open are finished. */
void disk_stop(struct disk *disk);
void disk_free(struct disk *disk);

/* Real-time thread: never waits. */
void disk_serve_player(struct disk *disk, struct player *player);
void disk_serve_recorder(struct disk *disk, struct recorder *recorder);
void disk_wake(struct disk *disk);

#endif
