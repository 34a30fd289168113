"""What all pages of the site share: head and header, styles and scripts, interface texts, and pieces of data.

`Frame.page` makes the pages of one kind (`lsm_eval.leaderboard.pages`); `bundle` puts styles and scripts inline and allows them by
hash; `safe` makes JSON that is safe inside a page; `words` has the interface's texts in two languages.
"""
