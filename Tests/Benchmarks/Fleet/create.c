// create LIST DIR: for each line "path size mtime" of LIST creates DIR/blobs/xx/NUMBER with that size and time, and
// links it to DIR/tree/path; then one syncfs. The least that a store of hard links can do, in plain calls.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    FILE *list = fopen(arguments[1], "r");
    if (!list || chdir(arguments[2]) != 0) fail(arguments[1]);
    mkdir("blobs", 0700);
    mkdir("tree", 0755);
    char name[64], path[4096], target[4200], folder[4200] = "";
    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof name, "blobs/%02x", i);
        mkdir(name, 0700);
    }
    char *bytes = malloc(1 << 20);
    for (int i = 0; i < 1 << 20; i++) bytes[i] = (char)rand();
    long size, modified;
    for (long number = 0; fscanf(list, "%4095s %ld %ld", path, &size, &modified) == 3; number++) {
        snprintf(name, sizeof name, "blobs/%02x/%ld", (unsigned)(number * 37 & 255), number);
        int file = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        if (file < 0) fail(name);
        for (long done = 0; done < size;) {
            long part = size - done < 1 << 20 ? size - done : 1 << 20;
            if (write(file, bytes, part) != part) fail(name);
            done += part;
        }
        struct timespec times[2] = {{.tv_sec = modified}, {.tv_sec = modified}};
        if (futimens(file, times) != 0 || close(file) != 0) fail(name);
        snprintf(target, sizeof target, "tree/%s", path);
        char *slash = strrchr(target, '/');
        *slash = 0;
        if (strcmp(folder, target) != 0) {
            mkdir(target, 0755);
            strcpy(folder, target);
        }
        *slash = '/';
        if (link(name, target) != 0) fail(target);
    }
    int top = open(".", O_RDONLY | O_DIRECTORY);
    if (top < 0 || syncfs(top) != 0) fail("syncfs");
    return 0;
}
