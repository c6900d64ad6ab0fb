/* Scores many images in one call, so that Python's own time doesn't count. */
#include "model.h"

#include <stddef.h>

void model_score_all(const uint8_t *pixels, model_score_t *scores, size_t count)
{
    for (size_t image = 0u; image < count; image++) {
        model_scores(&pixels[image * MODEL_PIXELS], &scores[image * MODEL_CLASSES]);
    }
}
