#define _GNU_SOURCE
// A wire between two bridges of a network namespace that takes time and loses packets, since the kernel's own emulation
// (netem) is not everywhere.
//
//   wire ONE TWO DELAY_US LOSS_PPM
//
// makes the TAP devices ONE and TWO, prints "up", and passes each frame of one to the other after DELAY_US, until it is
// ended; of a million frames it loses LOSS_PPM. Devices go away with it.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 15, FRAME = 2048, BURST = 64 };

// Frames on their way in one direction, the oldest first.
struct direction {
    int from, to;
    uint64_t due[SLOTS];
    uint16_t length[SLOTS];
    unsigned char (*frames)[FRAME];
    unsigned head, tail;
};

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int make_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0) {
        perror(name);
        exit(1);
    }
    return tap;
}

static int is_lost(uint32_t parts_per_million) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % 1000000 < parts_per_million;
}

static void take(struct direction *way, uint64_t delay, uint32_t loss) {
    for (int count = 0; count < BURST; count++) {
        unsigned slot = way->tail % SLOTS;
        int is_full = way->tail - way->head == SLOTS;
        unsigned char spare[FRAME];
        ssize_t length = read(way->from, is_full ? spare : way->frames[slot], FRAME);
        if (length <= 0) return;
        if (is_full || is_lost(loss)) continue;
        way->length[slot] = (uint16_t)length;
        way->due[slot] = now() + delay;
        way->tail++;
    }
}

static void give(struct direction *way, uint64_t time) {
    while (way->head != way->tail && way->due[way->head % SLOTS] <= time) {
        unsigned slot = way->head++ % SLOTS;
        // What the device does not take is lost, as on any wire.
        if (write(way->to, way->frames[slot], way->length[slot]) < 0 && errno != EAGAIN && errno != EIO) perror("write");
    }
}

int main(int count, char **arguments) {
    if (count != 5) return 64;
    static struct direction ways[2];
    int one = make_tap(arguments[1]), two = make_tap(arguments[2]);
    uint64_t delay = strtoull(arguments[3], NULL, 10) * 1000;
    uint32_t loss = (uint32_t)strtoul(arguments[4], NULL, 10);
    for (int side = 0; side < 2; side++) {
        ways[side].from = side == 0 ? one : two;
        ways[side].to = side == 0 ? two : one;
        ways[side].frames = malloc((size_t)SLOTS * FRAME);
        if (ways[side].frames == NULL) return 1;
    }
    prctl(PR_SET_TIMERSLACK, 1000);
    puts("up");
    fflush(stdout);
    for (;;) {
        uint64_t time = now(), next = time + 1000000000u;
        for (int side = 0; side < 2; side++) {
            struct direction *way = &ways[side];
            if (way->head != way->tail && way->due[way->head % SLOTS] < next) next = way->due[way->head % SLOTS];
        }
        uint64_t wait = next > time ? next - time : 0;
        struct timespec timeout = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
        struct pollfd watched[2] = {{one, POLLIN, 0}, {two, POLLIN, 0}};
        if (ppoll(watched, 2, &timeout, NULL) < 0 && errno != EINTR) return 1;
        for (int side = 0; side < 2; side++) {
            if (watched[side].revents & POLLIN) take(&ways[side], delay, loss);
        }
        for (int side = 0; side < 2; side++) give(&ways[side], now());
    }
}
