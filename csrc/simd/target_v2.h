/* Compiles everything after this line for x86-64-v2, whatever the flags say. */
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse3,ssse3,sse4.1,sse4.2,popcnt"))), apply_to = function)
#else
#pragma GCC target("sse3,ssse3,sse4.1,sse4.2,popcnt")
#endif
