import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;

/**
 * What Avro Java says of pairs of schemas: one JSON object with `old` and `new` (texts of schemas) and
 * `normalised` (our own form of `new`, or null) a line on standard input; one line of five words for each
 * on standard output, as printed by {@link #judge}.
 */
public final class Compare {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      out.println(judge(MAPPER.readTree(line)));
    }
    out.flush();
  }

  /** Old taken or refused, new likewise, new reads old, old reads new, normalised is new. */
  private static String judge(JsonNode pair) {
    Schema older = parse(pair.get("old").textValue());
    Schema newer = parse(pair.get("new").textValue());
    String normalised = pair.get("normalised").textValue();
    return String.join(
        " ",
        older == null ? "refused" : "taken",
        newer == null ? "refused" : "taken",
        reads(newer, older),
        reads(older, newer),
        newer == null || normalised == null ? "-" : newer.equals(parse(normalised)) ? "same" : "other");
  }

  /** The schema; null where the parser refuses it, with whatever exception. */
  private static Schema parse(String text) {
    try {
      return new Schema.Parser().parse(text);
    } catch (RuntimeException refused) {
      return null;
    }
  }

  private static String reads(Schema reader, Schema writer) {
    if (reader == null || writer == null) {
      return "-";
    }
    try {
      SchemaCompatibilityType found =
          SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType();
      return found == SchemaCompatibilityType.COMPATIBLE ? "yes" : "no";
    } catch (AvroRuntimeException ambiguous) {
      return "ambiguous";
    }
  }
}
