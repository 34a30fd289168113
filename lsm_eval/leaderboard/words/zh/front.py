"""The front page."""

WORDS: dict[str, str] = {
    "Board": "榜单",
    "Leaderboard": "排行榜",
}
