"""What all pages show."""

WORDS: dict[str, str] = {
    "Skip to the content": "跳到正文",
    "leaderboard": "排行榜",
    "its samples have no page on a board of this size": "榜单太大，这些样本没有页面",
    "Pages": "页面",
    "Dark": "深色",
    "Light": "浅色",
}
