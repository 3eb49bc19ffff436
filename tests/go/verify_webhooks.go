// Answers the questions of tests/webhooks/exchange.py with what the page for partners shows for Go.
package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	toleranceS   = 300
	lineBytesMax = 1 << 20
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, lineBytesMax)
	for lines.Scan() {
		fmt.Println(answer(strings.Split(lines.Text(), "\t")))
	}
	must(lines.Err())
}

func answer(fields []string) string {
	asked, key, id, timestamp, signature := fields[0], fields[1], fields[2], fields[3], fields[4]
	body, err := base64.StdEncoding.DecodeString(fields[5])
	must(err)
	headers := http.Header{}
	headers.Set("webhook-id", id)
	headers.Set("webhook-timestamp", timestamp)
	headers.Set("webhook-signature", signature)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	must(err)
	genuine := false
	switch asked {
	case "sign":
		webhook, err := standardwebhooks.NewWebhook(key)
		must(err)
		signed, err := webhook.Sign(id, time.Unix(seconds, 0), body)
		must(err)
		return signed
	case "verify":
		genuine = isGenuine(key, headers, body)
	default:
		inTime := math.Abs(float64(time.Now().Unix()-seconds)) <= toleranceS
		signed := []byte(id + "." + timestamp + "." + string(body))
		genuine = inTime && isSigned(key, signature, signed) && recipient(body) == fields[6]
	}
	if genuine {
		return "genuine"
	}
	return "refused"
}

// isSigned says whether one of the v1a signatures is by the key; Go's own Ed25519 verifies it.
func isSigned(whpk string, signatures string, signed []byte) bool {
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(whpk, "whpk_"))
	must(err)
	for _, each := range strings.Split(signatures, " ") {
		text, found := strings.CutPrefix(each, "v1a,")
		signature, err := base64.StdEncoding.DecodeString(text)
		if found && err == nil && ed25519.Verify(public, signed, signature) {
			return true
		}
	}
	return false
}

// recipient says to whom the hub sent a body.
func recipient(body []byte) string {
	var said struct{ Hub struct{ Recipient string } }
	must(json.Unmarshal(body, &said))
	return said.Hub.Recipient
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
