"""Other tools' measurements of servers, as profiles of ours."""
