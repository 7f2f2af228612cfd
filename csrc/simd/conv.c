/* Tuned float kernels: 2-D convolution, by implicit im2col, and with pooling behind it. */
#include "level.h"
#include "../conv.h"
#include "conv_tile.h"

#include "pool_act.h"
#include "winograd.h"
#include "winograd_forward.h"
#include "conv_depthwise.h"
#include "conv_forward.h"
#include "conv_data.h"
#include "conv_weights.h"
#include "conv_pool.h"
