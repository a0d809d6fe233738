// A thread that polls another set of 64 descriptors each millisecond: all of them `one`, or all `other`.
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    enum { COUNT = 64 };
    int one[2], other[2];
    static struct pollfd set[COUNT];
    socketpair(AF_UNIX, SOCK_STREAM, 0, one);
    socketpair(AF_UNIX, SOCK_STREAM, 0, other);
    printf("one %d\nother %d\nready\n", one[0], other[0]);
    fflush(stdout);
    for (unsigned turn = 0;; turn++) {
        for (int i = 0; i < COUNT; i++) {
            set[i].fd = turn % 2 ? one[0] : other[0];
            set[i].events = POLLIN;
        }
        poll(set, COUNT, 1);
    }
}
