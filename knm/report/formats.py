"""The formats of files that show reports, told without what writes them."""

from enum import StrEnum


class ChartFormat(StrEnum):
    """What kind of file a chart is written as."""

    SVG = "svg"
    PNG = "png"


class StudyFormat(StrEnum):
    """What a study's document is written as."""

    PDF = "pdf"
    MD = "md"
