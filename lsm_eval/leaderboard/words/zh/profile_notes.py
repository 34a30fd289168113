"""The notes of a profile."""

WORDS: dict[str, str] = {
    "The model ends its answers where it likes, so that they may be shorter than asked for.": (
        "模型可自行结束回答，因此回答可能比要求的短。"
    ),
    "{cell}: its tokenizer has no way to that length: prompts have {n} tokens.": (
        "{cell}：其分词器无法凑出该长度，提示实为 {n} 个 token。"
    ),
    "{wide} of {all} cells have an interval of more than {within} % either way after {rounds} rounds ({cell}: {worst} %): something else ran on the machine, or more rounds are needed (--max-repeats).": (
        "{rounds} 轮之后，{all} 个条件中有 {wide} 个的区间仍超过 ±{within}%（{cell}：{worst}%）：机器上还有别的程序在运行，或需要更多轮次（--max-repeats）。"
    ),
    "{cell}: client-bound, and in no ranking: {why}.": "{cell}：受客户端限制，不参与排名：{why}。",
    "{cell}: no inter-token latency: {why}.": "{cell}：没有 token 间延迟：{why}。",
    "{n} of {all} requests failed: {share} %, and --max-error-rate is {most} %.": (
        "{all} 个请求中有 {n} 个失败：{share}%，而 --max-error-rate 为 {most}%。"
    ),
    "{cell}: all {n} prompts that had been made were asked before --seconds were over.": (
        "{cell}：在 --seconds 规定的时间结束之前，已备好的 {n} 个提示全部用完。"
    ),
    "{cell}: {n} failed ({why}).": "{cell}：{n} 个失败（{why}）。",
    "{cell}: {n} failed ({why}): {said}.": "{cell}：{n} 个失败（{why}）：{said}。",
    "{cell}: requests that came one after another took alike (correlation {n} of their times to first token), as in a queue that grows and empties: the intervals take each for itself, and are narrower than they should be.": (
        "{cell}：先后到达的请求耗时相近（首 token 时间的相关系数为 {n}），如同一个时长时短的队列：区间把每个请求当作独立的，因此偏窄。"
    ),
    "{cell}: the server counts {n} tokens in a prompt where {asked} were asked for (medians of {all} requests).": (
        "{cell}：要求提示为 {asked} 个 token，服务器计为 {n} 个（{all} 个请求的中位数）。"
    ),
    "{cell}: {n} of {all} answers are shorter than asked for: {short} tokens instead of {asked} (medians of these).": (
        "{cell}：{all} 个回答中有 {n} 个比要求的短：{short} 个 token，而要求 {asked} 个（这些回答的中位数）。"
    ),
    "{cell}: the server held {share} % of the tokens of prompts from before, so that it had less to read: --cache cold empties its cache, and another --seed makes other prompts.": (
        "{cell}：服务器缓存中已有提示的 {share}% 的 token，因此读得较少：--cache cold 会清空缓存，换一个 --seed 则生成别的提示。"
    ),
    "Whether the client kept up is not known: it is another tool's measurement.": (
        "这是另一个工具的测量，其客户端是否跟得上不得而知。"
    ),
    "vLLM's client also takes a part that only names the role for the first token.": (
        "vLLM 的客户端会把只含角色名的部分也当作首 token。"
    ),
    "AIPerf's tokenizer counts {n} output tokens, and the server {asked}: numbers a token are by AIPerf's count.": (
        "AIPerf 的分词器计得 {n} 个输出 token，服务器计得 {asked} 个：每 token 的数值按 AIPerf 的计数。"
    ),
}
