"""Phone numbers that a country's numbering plan allows. They belong to the simulation; nothing is ever sent to one."""

import random
from collections.abc import Container

import phonenumbers
from phonenumbers import PhoneNumberType

_TRIES_PER_TAIL = 60


def mint(country: str, chance: random.Random, taken: Container[str]) -> str:
    """A valid mobile number of `country` (ISO alpha-2) in E.164 with the plus, and not one of `taken`.

    Raises LookupError when the country is unknown or its numbers are used up.
    """
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    if example is None:
        raise LookupError(f"no mobile numbers known in {country}")
    national = phonenumbers.national_significant_number(example)
    # Small plans allow only a few blocks: the longer a valid number takes to find, the more of the example is kept.
    for tail in (6, 5, 4):
        for _ in range(_TRIES_PER_TAIL):
            digits = f"{chance.randrange(10**tail):0{tail}d}"
            phone = f"+{example.country_code}{national[:-tail]}{digits}"
            if phone not in taken and _is_valid(phone, country):
                return phone
    raise LookupError(f"no free number in {country}")


def _is_valid(phone: str, country: str) -> bool:
    number = phonenumbers.parse(phone)
    return phonenumbers.is_valid_number_for_region(number, country)
