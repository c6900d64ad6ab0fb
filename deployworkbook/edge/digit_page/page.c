/*
 * The model for a web page: JavaScript writes an image into its memory, and reads the scores there.
 */
#include "model.h"

uint8_t *page_image(void);
const model_score_t *page_scores(void);

static uint8_t image[MODEL_PIXELS];
static model_score_t scores[MODEL_CLASSES];

/* Where the image belongs, a byte per pixel. */
uint8_t *page_image(void)
{
    return image;
}

/* Scores the image; returns where the scores are. */
const model_score_t *page_scores(void)
{
    model_scores(image, scores);
    return scores;
}
