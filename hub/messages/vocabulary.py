"""Words several messages share; what they mean stands in the contracts (R-MSG-01…16)."""

from enum import StrEnum


class Achievement(StrEnum):
    """How far something was achieved."""

    NOT_ACHIEVED = "NOT_ACHIEVED"
    PARTIALLY_ACHIEVED = "PARTIALLY_ACHIEVED"
    ACHIEVED = "ACHIEVED"


class LikelihoodBand(StrEnum):
    """Likelihood of reoffending, in bands."""

    VERY_HIGH = "VERY_HIGH"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Need(StrEnum):
    """Needs related to offending, as OASys and the pathways out of reoffending name them."""

    ACCOMMODATION = "ACCOMMODATION"
    EDUCATION_SKILLS_WORK = "EDUCATION_SKILLS_WORK"
    FINANCE = "FINANCE"
    RELATIONSHIPS = "RELATIONSHIPS"
    LIFESTYLE_ASSOCIATES = "LIFESTYLE_ASSOCIATES"
    DRUGS = "DRUGS"
    ALCOHOL = "ALCOHOL"
    EMOTIONAL_WELLBEING = "EMOTIONAL_WELLBEING"
    THINKING_BEHAVIOUR = "THINKING_BEHAVIOUR"
    ATTITUDES = "ATTITUDES"


class RoshLevel(StrEnum):
    """Risk of serious harm (RoSH)."""

    VERY_HIGH = "VERY_HIGH"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class ServiceCategory(StrEnum):
    """Categories of service that providers are commissioned for."""

    ACCOMMODATION = "ACCOMMODATION"
    EDUCATION_TRAINING_EMPLOYMENT = "EDUCATION_TRAINING_EMPLOYMENT"
    FINANCE_BENEFIT_DEBT = "FINANCE_BENEFIT_DEBT"
    DEPENDENCY_RECOVERY = "DEPENDENCY_RECOVERY"
    LIFESTYLE_ASSOCIATES = "LIFESTYLE_ASSOCIATES"
    FAMILY_SIGNIFICANT_OTHERS = "FAMILY_SIGNIFICANT_OTHERS"
    EMOTIONAL_WELLBEING = "EMOTIONAL_WELLBEING"
    SOCIAL_INCLUSION = "SOCIAL_INCLUSION"
