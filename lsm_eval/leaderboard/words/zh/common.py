"""What all pages show."""

WORDS: dict[str, str] = {
    "Skip to the content": "跳到正文",
    "leaderboard": "排行榜",
    "Pages": "页面",
    "Dark": "深色",
    "Light": "浅色",
}
