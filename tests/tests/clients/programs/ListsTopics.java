import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.AdminClient;

/** Kafka's Java AdminClient as it is: lists the topics of the cluster at the first argument. */
public class ListsTopics {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", arguments[0]);
        properties.put("request.timeout.ms", arguments[1]);
        try (AdminClient admin = AdminClient.create(properties)) {
            for (var node : admin.describeCluster().nodes().get(60, TimeUnit.SECONDS)) {
                System.out.println("broker " + node.host() + ":" + node.port());
            }
            System.out.println("topics " + admin.listTopics().names().get(60, TimeUnit.SECONDS));
        }
    }
}
