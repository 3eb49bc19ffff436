import com.standardwebhooks.Webhook;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Answers the questions of tests/webhooks/exchange.py with what the page for partners shows for Java. */
final class Answers {
    private static final long TOLERANCE_S = 300;
    private static final String SPKI_ED25519 = "302a300506032b6570032100";

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(answer(line.split("\t")));
        }
    }

    private static String answer(String[] fields) throws Exception {
        String key = fields[1], id = fields[2], timestamp = fields[3], signature = fields[4];
        byte[] body = Base64.getDecoder().decode(fields[5]);
        boolean genuine;
        switch (fields[0]) {
            case "sign":
                String text = new String(body, StandardCharsets.UTF_8);
                return new Webhook(key).sign(id, Long.parseLong(timestamp), text);
            case "verify":
                Map<String, List<String>> headers =
                        Map.of(
                                "webhook-id", List.of(id),
                                "webhook-timestamp", List.of(timestamp),
                                "webhook-signature", List.of(signature));
                genuine = Received.isGenuine(key, headers, body);
                break;
            default:
                long ageS = System.currentTimeMillis() / 1000 - Long.parseLong(timestamp);
                genuine = Math.abs(ageS) <= TOLERANCE_S && isSigned(key, signature, id + "." + timestamp + ".", body);
        }
        return genuine ? "genuine" : "refused";
    }

    /** Whether one of the v1a signatures is by the key; Java's own Ed25519 verifies it. */
    private static boolean isSigned(String whpk, String signatures, String before, byte[] body) throws Exception {
        String spki = SPKI_ED25519 + HexFormat.of().formatHex(Base64.getDecoder().decode(whpk.substring(5)));
        for (String each : signatures.split(" ")) {
            Signature verifier = Signature.getInstance("Ed25519");
            X509EncodedKeySpec spec = new X509EncodedKeySpec(HexFormat.of().parseHex(spki));
            verifier.initVerify(KeyFactory.getInstance("Ed25519").generatePublic(spec));
            verifier.update(before.getBytes(StandardCharsets.UTF_8));
            verifier.update(body);
            if (each.startsWith("v1a,") && verifier.verify(Base64.getDecoder().decode(each.substring(4)))) {
                return true;
            }
        }
        return false;
    }
}
