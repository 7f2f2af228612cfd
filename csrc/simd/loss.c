/* Tuned float kernels: loss. */
