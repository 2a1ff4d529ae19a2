/* cortex.c: what a Cortex-M does before main: the vector table, and the switch of the floating-point unit. */
#include <stdint.h>

extern uint32_t stack_top[];
extern void _start(void);
void reset(void);

__attribute__((naked)) void reset(void)
{
    __asm__ volatile("ldr r0, =0xE000ED88\n"        /* CPACR: coprocessors 10 and 11 for everybody */
                     "ldr r1, [r0]\n"
                     "orr r1, r1, #0x00F00000\n"
                     "str r1, [r0]\n"
                     "dsb\n"
                     "isb\n"
                     "b _start\n");
}

static void stop(void)
{
    for (;;)
        __asm__ volatile("bkpt 0");
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, reset, stop, stop, stop, stop, stop, 0, 0, 0, 0, stop, stop, 0, stop, stop,
};
