package gemini

import (
	"strings"

	"google.golang.org/genai"

	"sheetlift/internal/keypool"
)

// classifyResponse classifies a 200 answer and returns the model's text without its thoughts. Class OK means only
// that the text is complete; table.Parse decides whether it is the requested table.
func classifyResponse(resp *genai.GenerateContentResponse) (finding, string) {
	if resp == nil {
		return finding{class: keypool.Empty, reason: "no answer"}, ""
	}
	if fb := resp.PromptFeedback; fb != nil && fb.BlockReason != "" && fb.BlockReason != genai.BlockedReasonUnspecified {
		return finding{class: keypool.Blocked, reason: normalizeSpace(string(fb.BlockReason) + " " + fb.BlockReasonMessage)}, ""
	}
	if len(resp.Candidates) == 0 || resp.Candidates[0] == nil {
		return finding{class: keypool.Empty, reason: "the answer had no candidate"}, ""
	}
	candidate := resp.Candidates[0]
	finish := candidate.FinishReason
	f := finding{reason: strings.TrimSpace(normalizeSpace(string(finish) + " " + candidate.FinishMessage))}
	words := wordsOf(candidate.Content)
	switch finish {
	case genai.FinishReasonSafety, genai.FinishReasonBlocklist, genai.FinishReasonProhibitedContent,
		genai.FinishReasonSPII, genai.FinishReasonImageSafety, genai.FinishReasonImageProhibitedContent:
		f.class = keypool.Blocked
	case genai.FinishReasonRecitation, genai.FinishReasonImageRecitation:
		f.class = keypool.Recitation
	case genai.FinishReasonMaxTokens, genai.FinishReasonContinuation:
		f.class = keypool.MaxTokens
	default: // STOP, OTHER, LANGUAGE, none, or an unknown reason: the text decides
		if strings.TrimSpace(words) == "" {
			f.class = keypool.Empty
			break
		}
		f.class = keypool.OK
	}
	return f, words
}

// wordsOf joins the text parts that are not thoughts. The SDK's own Text() writes to the log for parts that it does
// not know.
func wordsOf(content *genai.Content) string {
	if content == nil {
		return ""
	}
	var all strings.Builder
	for _, part := range content.Parts {
		if part != nil && !part.Thought {
			all.WriteString(part.Text)
		}
	}
	return all.String()
}
