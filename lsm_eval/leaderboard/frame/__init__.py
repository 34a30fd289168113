"""What all pages of the site have in common: their head and header, styles and scripts, words, and data in pieces.

`Frame.page` makes the pages of one kind (`lsm_eval.leaderboard.pages`); `bundle` puts styles and scripts inline and allows them by
hash; `safe` makes JSON that a page can hold; `words` has the interface's texts in two languages.
"""
