/* The CPU's kernels between matrix products, for one element type: ELEMENT is float or, with
   BFLOAT16, a bfloat16's bits. Everything is computed in float32. A row's result depends on that row
   alone: neither on the others nor on how threads divide them. Widths are multiples of 16. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define LANES 16
typedef float vector __attribute__((vector_size(64), aligned(4)));
typedef int32_t words __attribute__((vector_size(64), aligned(4)));
typedef uint32_t bits __attribute__((vector_size(64), aligned(4)));

#ifdef BFLOAT16
typedef uint16_t element;
typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));

static inline vector load(const element *from) {
#ifdef __AVX512F__ /* what compilers make of the other line takes several instructions more */
  return (vector)_mm512_slli_epi32(_mm512_cvtepu16_epi32(*(const __m256i_u *)from), 16);
#else
  return (vector)(__builtin_convertvector(*(const halves *)from, bits) << 16);
#endif
}

static inline void store(element *to, vector x) {
  bits word = (bits)x; /* to nearest, halves to even */
  word += 0x7FFF + ((word >> 16) & 1);
  *(halves *)to = __builtin_convertvector(word >> 16, halves);
}
#else
typedef float element;

static inline vector load(const element *from) { return *(const vector *)from; }

static inline void store(element *to, vector x) { *(vector *)to = x; }
#endif

static inline float sum(vector x) {
  float total[LANES];
  *(vector *)total = x;
  for (int width = LANES / 2; width; width /= 2)
    for (int lane = 0; lane < width; lane++) total[lane] += total[lane + width];
  return total[0];
}

/* exp of x <= 88: 2^n times a polynomial of degree 6 on [-ln2/2, ln2/2]. */
static inline vector exponential(vector x) {
  const vector least = {-87, -87, -87, -87, -87, -87, -87, -87,
                        -87, -87, -87, -87, -87, -87, -87, -87};
  words low = x < least;
  x = (vector)(((words)x & ~low) | ((words)least & low));
  vector scaled = x * 1.44269504f;
  const float round = 12582912.0f; /* 1.5 * 2^23: adding it leaves no fraction */
  vector whole = (scaled + round) - round;
  vector rest = x - whole * 0.693359375f;
  rest = rest + whole * 2.12194440e-4f;
  vector result = rest * 1.3981999507e-3f + 8.3334519073e-3f;
  result = result * rest + 4.1665795894e-2f;
  result = result * rest + 1.6666665459e-1f;
  result = result * rest + 5.0000001201e-1f;
  result = result * rest * rest + rest + 1.0f;
  words power = (__builtin_convertvector(whole, words) + 127) << 23;
  return (vector)((words)(result * (vector)power) & ~low);
}

/* RMS norm of x (rows, width), of x + residual where there is one; their sum goes to `total`. */
void add_norm(const element *x, const element *residual, const element *weight, element *normed,
              element *total, int64_t rows, int64_t width, float eps, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * width > 4096)
  for (int64_t row = 0; row < rows; row++) {
    const element *in = x + row * width;
    const element *also = residual ? residual + row * width : 0;
    element *kept = total + row * width, *out = normed + row * width;
    vector squares = {0};
    for (int64_t at = 0; at < width; at += LANES) {
      vector value = load(in + at);
      if (also) {
        value += load(also + at);
        store(kept + at, value);
        value = load(kept + at);
      }
      squares += value * value;
    }
    float scale = 1.0f / sqrtf(sum(squares) / width + eps);
    const element *from = also ? kept : in;
    for (int64_t at = 0; at < width; at += LANES)
      store(out + at, load(from + at) * scale * load(weight + at));
  }
}

/* gate (rows, 2 width): silu of the first half times the second. */
void gate(const element *x, element *out, int64_t rows, int64_t width, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * width > 4096)
  for (int64_t row = 0; row < rows; row++) {
    const element *in = x + row * 2 * width;
    for (int64_t at = 0; at < width; at += LANES) {
      vector value = load(in + at);
      vector minus = -value;
      words high = minus > 80.0f;
      minus = (vector)(((words)minus & ~high) | ((words)(minus - minus + 80.0f) & high));
      store(out + row * width + at, value / (1.0f + exponential(minus)) * load(in + width + at));
    }
  }
}

/* Of qkv (rows, heads + 2 kv_heads, dim): norms and turns queries and keys, stores keys and values
   at `row_of`, `positions` of caches with the strides given, and queries in q (rows, heads, dim). */
void place_heads(const element *qkv, const element *norm_weight, float eps, const element *cosines,
                 const element *sines, const int64_t *positions, const int64_t *row_of, element *q,
                 element *keys, element *values, int64_t row_stride, int64_t place_stride,
                 int64_t head_stride, int64_t rows, int64_t heads, int64_t kv_heads, int64_t dim,
                 int threads) {
  int64_t half = dim / 2, all = heads + 2 * kv_heads;
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * all * dim > 4096)
  for (int64_t row = 0; row < rows; row++) {
    int64_t base = row_of[row] * row_stride + positions[row] * place_stride;
    for (int64_t head = 0; head < all; head++) {
      const element *in = qkv + (row * all + head) * dim;
      if (head >= heads + kv_heads) {
        element *to = values + base + (head - heads - kv_heads) * head_stride;
        for (int64_t at = 0; at < dim; at += LANES) store(to + at, load(in + at));
        continue;
      }
      element *to = head < heads ? q + (row * heads + head) * dim
                                 : keys + base + (head - heads) * head_stride;
      float scale = 1.0f;
      const element *weight = norm_weight ? norm_weight + head * dim : 0;
      if (weight) {
        vector squares = {0};
        for (int64_t at = 0; at < dim; at += LANES) squares += load(in + at) * load(in + at);
        scale = 1.0f / sqrtf(sum(squares) / dim + eps);
      }
      for (int64_t at = 0; at < half; at += LANES) {
        vector first = load(in + at), second = load(in + half + at);
        if (weight) {
          first = first * scale * load(weight + at);
          second = second * scale * load(weight + half + at);
        }
        if (cosines) {
          const element *cosine = cosines + positions[row] * dim;
          const element *sine = sines + positions[row] * dim;
          vector turned = first * load(cosine + at) - second * load(sine + at);
          second = second * load(cosine + half + at) + first * load(sine + half + at);
          first = turned;
        }
        store(to + at, first);
        store(to + half + at, second);
      }
    }
  }
}

/* Of two vectors whose sums are wanted, one that holds both: in each run of 2 `width` lanes of the
   result the first half is `a`'s, added up over halves of such runs, the second `b`'s. */
static inline __attribute__((always_inline)) vector fold(vector a, vector b, int width) {
  words low, high;
  for (int lane = 0; lane < LANES; lane++) {
    int run = lane / (2 * width), within = lane % (2 * width), from = within / width * LANES;
    low[lane] = from + run * 2 * width + within % width;
    high[lane] = low[lane] + width;
  }
  return __builtin_shuffle(a, b, low) + __builtin_shuffle(a, b, high);
}

/* The sums of 16 vectors; that of the vector with a lane's number, its four bits reversed. */
static inline __attribute__((always_inline)) vector sums(vector x[LANES]) {
  for (int i = 0; i < 8; i++) x[i] = fold(x[2 * i], x[2 * i + 1], 8);
  for (int i = 0; i < 4; i++) x[i] = fold(x[2 * i], x[2 * i + 1], 4);
  for (int i = 0; i < 2; i++) x[i] = fold(x[2 * i], x[2 * i + 1], 2);
  return fold(x[0], x[1], 1);
}

/* `count` places of a head in float32: as they lie, or written to `room`, whose places follow. */
static inline __attribute__((always_inline)) const float *widened(
    const element *from, int64_t place_stride, int64_t count, int64_t vectors, float *room,
    int64_t *stride) {
#ifdef BFLOAT16
  for (int64_t place = 0; place < count; place++)
    for (int64_t v = 0; v < vectors; v++)
      *(vector *)(room + (place * vectors + v) * LANES) =
          load(from + place * place_stride + v * LANES);
  *stride = vectors * LANES;
  return room;
#else
  (void)count, (void)vectors, (void)room;
  *stride = place_stride;
  return from;
#endif
}

/* `group` query heads of one row attend to the `length` places of one key and value head. `room` is
   for 16 places, the queries, what they have gathered and their scores. */
static inline __attribute__((always_inline)) void attend_head(
    const element *q, const element *keys, const element *values, element *out, float *room,
    int64_t length, int64_t place_stride, int64_t group, int64_t vectors, float scale) {
  int64_t dim = vectors * LANES, padded = (length + LANES - 1) / LANES * LANES, stride;
  float *queries = room + LANES * dim, *mixed = queries + group * dim;
  float *scores = mixed + group * dim;
  static const int reversed[LANES] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};
  for (int64_t at = 0; at < group * dim; at += LANES) {
    *(vector *)(queries + at) = load(q + at) * scale;
    *(vector *)(mixed + at) = (vector){0};
  }
  for (int64_t place = 0; place < padded; place += LANES) {
    int64_t count = length - place < LANES ? length - place : LANES;
    const float *block =
        widened(keys + place * place_stride, place_stride, count, vectors, room, &stride);
    for (int64_t head = 0; head < group; head++) {
      vector products[LANES], query[16];
      for (int64_t v = 0; v < vectors; v++)
        query[v] = *(vector *)(queries + head * dim + v * LANES);
      for (int i = 0; i < LANES; i++) {
        /* Places beyond the last repeat it: their scores are passed over. */
        const float *key = block + (reversed[i] < count ? reversed[i] : count - 1) * stride;
        products[i] = query[0] * *(const vector *)key;
        for (int64_t v = 1; v < vectors; v++)
          products[i] += query[v] * *(const vector *)(key + v * LANES);
      }
      *(vector *)(scores + head * padded + place) = sums(products);
    }
  }
  for (int64_t head = 0; head < group; head++) {
    float *row = scores + head * padded;
    for (int64_t place = length; place < padded; place++) row[place] = -INFINITY;
    vector most = *(vector *)row, total = {0};
    for (int64_t place = LANES; place < padded; place += LANES) {
      vector score = *(vector *)(row + place);
      words more = score > most;
      most = (vector)(((words)score & more) | ((words)most & ~more));
    }
    float top = most[0];
    for (int lane = 1; lane < LANES; lane++) top = most[lane] > top ? most[lane] : top;
    for (int64_t place = 0; place < padded; place += LANES) {
      vector weight = exponential(*(vector *)(row + place) - top);
      *(vector *)(row + place) = weight;
      total += weight;
    }
    vector inverse = 1.0f / ((vector){0} + sum(total));
    for (int64_t place = 0; place < padded; place += LANES) *(vector *)(row + place) *= inverse;
  }
  for (int64_t place = 0; place < length; place += LANES) {
    int64_t count = length - place < LANES ? length - place : LANES;
    const float *block =
        widened(values + place * place_stride, place_stride, count, vectors, room, &stride);
    for (int64_t head = 0; head < group; head++) {
      const float *weights = scores + head * padded + place;
      vector gathered[16];
      for (int64_t v = 0; v < vectors; v++)
        gathered[v] = *(vector *)(mixed + head * dim + v * LANES);
      for (int64_t i = 0; i < count; i++)
        for (int64_t v = 0; v < vectors; v++)
          gathered[v] += weights[i] * *(const vector *)(block + i * stride + v * LANES);
      for (int64_t v = 0; v < vectors; v++)
        *(vector *)(mixed + head * dim + v * LANES) = gathered[v];
    }
  }
  for (int64_t at = 0; at < group * dim; at += LANES) store(out + at, *(vector *)(mixed + at));
}

/* q (rows, heads, dim) attends to the places 0 to positions[row] of the slot slot_of[row] of keys and
   values. Returns 0, or 1 where there is no memory. */
int attend(const element *q, const element *keys, const element *values, const int64_t *slot_of,
           const int64_t *positions, element *out, int64_t slot_stride, int64_t place_stride,
           int64_t head_stride, int64_t rows, int64_t heads, int64_t kv_heads, int64_t dim,
           float scale, int threads) {
  int64_t group = heads / kv_heads, longest = 0;
  for (int64_t row = 0; row < rows; row++)
    longest = positions[row] > longest ? positions[row] : longest;
  int64_t padded = (longest + LANES) / LANES * LANES;
  int64_t room = LANES * dim + group * (2 * dim + padded);
  int failed = 0;
#pragma omp parallel num_threads(threads)
  {
    float *scratch = malloc(room * sizeof(float));
    if (!scratch) {
#pragma omp atomic write
      failed = 1;
    }
#pragma omp for schedule(dynamic)
    for (int64_t item = 0; item < rows * kv_heads; item++) {
      if (!scratch) continue;
      int64_t row = item / kv_heads, head = item % kv_heads;
      int64_t at = slot_of[row] * slot_stride + head * head_stride;
      int64_t first = (row * heads + head * group) * dim;
      if (dim == 64)
        attend_head(q + first, keys + at, values + at, out + first, scratch, positions[row] + 1,
                    place_stride, group, 4, scale);
      else if (dim == 128)
        attend_head(q + first, keys + at, values + at, out + first, scratch, positions[row] + 1,
                    place_stride, group, 8, scale);
      else
        attend_head(q + first, keys + at, values + at, out + first, scratch, positions[row] + 1,
                    place_stride, group, dim / LANES, scale);
    }
    free(scratch);
  }
  return failed;
}
