"""Secret settings from files, as containers and systemd hand them over.

Of each setting that is a `SecretStr`, `ENMUSUBI_NAME_FILE` may name a file that holds the value of
`ENMUSUBI_NAME`, unless that name is a setting of its own: a file can be readable by one user only,
and an environment is seen by every child.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
)

MOST_BYTES: Final = 65_536


def secret_fields(settings: type[BaseSettings]) -> list[str]:
    """Names of the settings that are secrets."""
    return [name for name, info in settings.model_fields.items() if _is_secret(info.annotation)]


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


class SecretFiles(PydanticBaseSettingsSource):
    """Reads the files; raises ValidationError, naming the variable, where one cannot be used."""

    def __init__(
        self, settings_cls: type[BaseSettings], variables: Sequence[PydanticBaseSettingsSource]
    ) -> None:
        """`variables`: the sources in whose variables the files are named."""
        super().__init__(settings_cls)
        self._prefix = str(settings_cls.model_config.get("env_prefix", "")).lower()
        self._variables: dict[str, str] = {}
        for source in reversed([v for v in variables if isinstance(v, EnvSettingsSource)]):
            self._variables |= {k: v for k, v in source.env_vars.items() if v}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The content of the file that is named for a field, without the line break at its end."""
        variable = f"{self._prefix}{field_name}"
        named = self._variables.get(f"{variable}_file") if _is_secret(field.annotation) else None
        if named is None or f"{field_name}_file" in self.settings_cls.model_fields:
            return None, field_name, False
        if variable in self._variables:
            raise _unusable(field_name, f"give either this or {variable.upper()}, not both")
        try:
            with Path(named).open(encoding="utf-8") as file:
                value = file.read(MOST_BYTES + 1).strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise _unusable(field_name, f"the file cannot be read: {why}") from None
        if not 0 < len(value) <= MOST_BYTES:
            raise _unusable(field_name, f"the file is empty or holds more than {MOST_BYTES} bytes")
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values of all secret settings that have a file."""
        found = {
            name: self.get_field_value(info, name)[0]
            for name, info in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def _unusable(field: str, reason: str) -> ValidationError:
    error = PydanticCustomError("secret_file", "{reason}", {"reason": reason})
    details = InitErrorDetails(type=error, loc=(field, "file"), input=None)
    return ValidationError.from_exception_data("Settings", [details])
