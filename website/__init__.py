"""The documentation site: pages made from `docs/`, the benchmarks' folders and the program itself, built by zensical.

python -m website            # builds build/website/pages and checks it
"""
