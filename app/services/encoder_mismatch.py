"""What to say where the settings ask for another encoder than the one that serves."""

from sqlalchemy.orm import Session

from app.errors import conflict
from app.services.encoders import Offered, Recipe, recipe_of, serving, wanted


def require_serving(session: Session, own: Offered) -> None:
    """Problem 409 unless this process was asked for the encoder that serves the database."""
    mismatch = find_mismatch(session, own)
    if mismatch is not None:
        raise conflict(mismatch)


def find_mismatch(session: Session, own: Offered) -> str | None:
    """What to do about it if another encoder than `own` serves the database; None if not."""
    present, coming = serving(session), wanted(session)
    if present is None or present.encoder_id == own.encoder.id:
        return None
    asked, there = settings_of(own.recipe), settings_of(recipe_of(present))
    way_back = ""
    if there is None:
        stands = f"with {present.encoder_id}, but the settings ask for {asked}"
    elif there == asked:
        # Other weights or another preparation of texts under the same name.
        stands = f"with {present.encoder_id}, and {asked} now stands for {own.encoder.id}"
    else:
        stands = f"with {there}, but the settings ask for {asked}"
        way_back = f", or set {there}"
    if coming is not None and coming.encoder_id == own.encoder.id:
        run = "wait for the change that is on its way (`enmusubi encoder status`) or finish it with"
    else:
        run = "change over with"
    return f"This database is embedded {stands}: {run} `enmusubi embed`{way_back}."


def settings_of(recipe: Recipe | None) -> str | None:
    """The settings that name the encoder of a recipe, as one writes them in a shell."""
    if recipe is None:
        return None
    prompts = {"QUERY": recipe.query_prompt, "PASSAGE": recipe.passage_prompt}
    # Only such models take prompts.
    given = {role: prompt for role, prompt in prompts.items() if recipe.name.startswith("st:")}
    return " ".join(
        [
            f"ENMUSUBI_ENCODER={recipe.name}",
            *(f'ENMUSUBI_ENCODER_{role}_PROMPT="{text}"' for role, text in given.items() if text),
        ]
    )
