/* layout.h: where the axes of tensors lie, and the rewrites of whole programs that go with it (style fast). */
#ifndef CNNC_LOOPS_LAYOUT_H
#define CNNC_LOOPS_LAYOUT_H

#include "loops/loops.h"

/* Vectors of channels, the last of which may be in part room, that are one panel (pack.c); more of them are panels of two. */
enum { MOST_ROOM = 4 };

/* taps.c: the taps of kernels that meet nothing but border go. Before program_tidy. */
void program_drop_taps(Unit *u, Program *p);

/* single.c: loops of one step that are only added to another go. Before program_gather. */
void program_drop_single(Unit *u, Program *p);

/* gather.c: scatters of step 1 become gathers over a bordered copy. After tidy. */
void program_gather(Unit *u, Program *p);

/* sign.c: what is never negative passes a relu and its kin as it is. Before program_compose. */
void program_pass_positive(Unit *u, Program *p);

/* compose.c: what only copies a part of another result is left out. After program_gather. */
void program_compose(Unit *u, Program *p);

/* fuse.c: what is done to every element of a result is done before it is stored. After program_compose. */
void program_fuse(Unit *u, Program *p);

/* unpooled.c: the sum of a map that was unpooled is that of what was pooled. After program_fuse. */
void program_sum_unpooled(Unit *u, Program *p);

/* transpose.c: sums over images alone (the gradient of a dense layer's weights) read one of their factors with images outermost, so
 * that the lanes can run over the weights. After program_images_innermost. */
void program_transpose(Unit *u, Program *p);

/* panels.c: what lanes read of maps with many channels, pixel by pixel, is copied into one piece. After program_pack. */
void program_panels(Unit *u, Program *p);

/* front.c: with Program.front_by_rows what stands before the second convolution is left to rows. Before program_channels_innermost. */
void program_keep_front(Unit *u, Program *p);
/* The channels that its convolution makes; 0 if there is no such front. */
int64_t program_first_channels(const Program *p);

/* channels.c: a product of two loads, summed, one of which or whose sums are a map: a convolution, forward or backward. */
bool nest_is_convolution(const Nest *n);

/* channels.c: the channels of all maps become their innermost axis, where the shapes of the convolutions make that the faster choice
 * (Program.channels_last says so). Before program_images_innermost, which then turns only what is no map. */
void program_channels_innermost(Unit *u, Program *p);

/* again.c: the gradient of the input computes again what would be kept for its sake alone. After program_channels_innermost, before
 * program_images_innermost. */
void program_again(Unit *u, Program *p);

/* widen.c: groups whose channels fill no vectors are handled several at a time. After program_channels_innermost, before program_pack. */
void program_widen_groups(Unit *u, Program *p);

/* pack.c: weights are copied into the order in which the nests read them, gradients of weights are summed in the order in which they
 * are made. Where channels are innermost; after program_channels_innermost. */
void program_pack(Unit *u, Program *p);

/* Sums of nest number `where` that the lanes cannot hold side by side in dst, or not apart from each other, are made in an array that has the
 * lanes for its last axis: begun with zeros by a nest before it, added to their place (`why`) by one after it. Returns how many nests came, 0 if
 * they have to stay. */
int program_sum_apart(Unit *u, Program *p, int where, Loop *lanes, const char *why);

/* room.c: what nest number `where` reads by this load has room for all lanes, if it depends on them and is no map. Returns how many nests were
 * put before it. */
int program_room_to_read(Unit *u, Program *p, int where, Expr *load, const Loop *lanes);
/* The same for weights that it sums; one nest came behind it. */
int program_room_to_sum(Unit *u, Program *p, int where, const Loop *lanes);

/* parts.c: pixels that register tiles do not divide are made by two nests. After program_pack. */
void program_parts(Unit *u, Program *p);
/* The same for features of dense layers, where groups of images lie innermost. After program_blocks, before program_schedule. */
void program_dense_parts(Unit *u, Program *p);

/* winograd.c: convolutions with kernels of 3x3 by fewer multiplications, where that is faster. After program_pack. */
void program_winograd(Unit *u, Program *p);

/* bands.c: a map that only a pooling reads is made and read by bands of rows. After program_winograd, before program_parts. */
void program_bands(Unit *u, Program *p);

/* cut.c: for single images, sums along neighbours in two parts: whole vectors, and the rest. */
void program_cut(Unit *u, Program *p);

/* layout.c: the images of a tile become the innermost axis of everything in the scratch block. After program_gather, before phases. */
void program_images_innermost(Unit *u, Program *p);

/* groups.c: images that lie innermost become groups of one vector. After program_images_innermost and phases, before program_schedule. */
void program_groups(Unit *u, Program *p);

/* apart.c: partial sums over images stay in their lanes until all groups have passed. After program_groups, before program_schedule. */
void program_apart(Unit *u, Program *p);

/* blocks.c: sums of dense layers over more than stays near are made block after block. After program_groups, before program_schedule. */
void program_blocks(Unit *u, Program *p);

/* flat.c: for single images, what is done to every element is done along the memory. After all passes that look for the maker of a tensor. */
void program_flatten(Unit *u, Program *p);

/* update.c: weights of large layers may move as soon as their gradient is there, a band of rows at a time. After program_keep and program_depth_first. */
void program_update(Unit *u, Program *p);

/* spread.c: channels whose places would meet in few sets of a cache get a line of room. After all other passes. */
void program_spread(Unit *u, Program *p);

/* border.c: an axis of t is no longer than what is read and written of it, if t is the program's own and no view shows it. */
void tensor_narrow(Unit *u, const Program *p, Tensor *t);

/* frame.c: a map that would be copied into a border is made there. After program_narrow_borders. */
void program_frame(Unit *u, Program *p);

/* layout.c: a tensor like t, with a role of its own, called t's name and `suffix`; and a nest that copies a tensor to one of the same axes. */
Tensor *tensor_twin(Unit *u, Program *p, const Tensor *t, Role role, const char *suffix);
Nest *nest_over_all(Unit *u, const char *name, const char *why, Tensor *dst);      /* sets all of dst, to a value that is still to be given */
Nest *nest_that_copies(Unit *u, const char *name, const char *why, Tensor *to, Tensor *from);

/* Puts a nest before nest number `where`, on its side of the forward pass and in its phase. */
void program_insert(Unit *u, Program *p, int where, Nest *n);
/* Takes nest number `where` away. Its phase has others. */
void program_remove(Program *p, int where);

#endif
