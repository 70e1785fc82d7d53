"""The model that ranks: the one that the settings name, or the one that comes with the program."""

import logging
from pathlib import Path

from data.trained import SHIPPED
from matching.artefact import ArtefactError, has_weights_of, load
from matching.model import Model
from matching.signals import SIGNALS

logger = logging.getLogger(__name__)


def load_model(path: str, encoder_id: str) -> Model:
    """The model in the file at `path`, or the default weights with the shipped calibration.

    Raises ArtefactError if `path` is given and the file cannot be used. The shipped calibration
    is left away without an error where it was made for another encoder or other signals: the
    list then says that it is not calibrated.
    """
    if path:
        return load(Path(path), SIGNALS, encoder_id).model(SIGNALS)
    try:
        shipped = load(SHIPPED, SIGNALS, encoder_id)
    except ArtefactError as error:
        logger.info("Not calibrated: %s", error)
        return Model()
    if not has_weights_of(shipped, SIGNALS):
        logger.info("Not calibrated: the shipped calibration is for other weights")
        return Model()
    return Model(SIGNALS, shipped.calibration)


def model_for(path: str, encoder_id: str) -> Model:
    """As `load_model`, but a file made for another encoder is left away with a warning.

    For an encoder that serves although the settings, and with them the file, name another.
    """
    try:
        return load_model(path, encoder_id)
    except ArtefactError as error:
        logger.warning("Ranked with the default weights: %s", error)
        return load_model("", encoder_id)
