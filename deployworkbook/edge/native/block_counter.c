/* Counts the basic blocks of an emulated program. The emulator calls on_block whenever it enters a
 * block; a hook in Python would take a hundred times as long as the block itself. */
#include <stdint.h>

struct counter {
  uint64_t base;       /* address of the program's first halfword */
  uint64_t halfwords;  /* its length in units of two bytes */
  uint64_t *entered;   /* by a block's first halfword: how often it ran */
  uint64_t *passed;    /* ... and how often the next one in memory followed it */
  uint32_t *bytes;     /* ... and how long it is */
  uint32_t *steps;     /* ... and how many instructions it has, 0 before it first runs */
  const uint16_t *code;
  uint64_t instructions; /* of all blocks so far */
  uint64_t previous;     /* the last block, and where it ended */
  uint64_t end;
  uint64_t limit;        /* the number of instructions at which to stop the emulator */
  int (*stop)(void *engine);
  uint32_t thumb; /* 1: Thumb, 0: RISC-V with compressed instructions */
};

static int is_long(const struct counter *c, uint16_t half) {
  return c->thumb ? half >= 0xE800u : (half & 3u) == 3u;
}

void on_block(void *engine, uint64_t address, uint32_t size, void *user) {
  struct counter *c = user;
  uint64_t place = (address - c->base) / 2u;
  if (address < c->base || place >= c->halfwords) {
    c->end = 0;
    return;
  }
  if (c->steps[place] == 0u) {
    uint64_t last = place + size / 2u;
    uint64_t half = place;
    while (half < last && half < c->halfwords) {
      half += is_long(c, c->code[half]) ? 2u : 1u;
      c->steps[place]++;
    }
    c->bytes[place] = size;
  }
  c->entered[place]++;
  c->instructions += c->steps[place];
  if (c->instructions > c->limit) {
    c->stop(engine);
  }
  if (address == c->end) {
    c->passed[c->previous]++;
  }
  c->previous = place;
  c->end = address + size;
}
